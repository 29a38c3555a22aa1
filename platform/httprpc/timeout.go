package httprpc

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"oms/platform/fault"
)

// maxTimeoutDigits keeps the header far from overflowing: eleven days. The row's own timeout is what counts.
const maxTimeoutDigits = 9

// sendTimeout tells the callee what is left of ctx: whole milliseconds, at least one.
func sendTimeout(ctx context.Context, h http.Header) {
	deadline, _ := ctx.Deadline() // every call has one: its row's
	h.Set(timeoutHeader, strconv.FormatInt(max(1, time.Until(deadline).Milliseconds()), 10))
}

// timeoutOf is the time that the caller gives.
func timeoutOf(h http.Header) (time.Duration, *fault.Error) {
	text := h.Get(timeoutHeader)
	if left, err := strconv.ParseUint(text, 10, 32); err == nil && left > 0 && len(text) <= maxTimeoutDigits {
		return time.Duration(left) * time.Millisecond, nil
	}
	return 0, fault.New(fault.Malformed, "A call says in %s how many milliseconds it has left: a whole number, at least 1.", timeoutHeader)
}

// The callee ends a call a little before its caller does, so that the caller hears it from the callee: a tenth of what is
// left, but enough for a local round trip and no more than one around the world needs.
const (
	minMargin = 5 * time.Millisecond
	maxMargin = 100 * time.Millisecond
)

// within is the time that the callee allows itself.
func within(left time.Duration) time.Duration {
	margin := min(max(left/10, minMargin), maxMargin)
	return left - min(margin, left/2) // a call that has hardly any time still has some
}
