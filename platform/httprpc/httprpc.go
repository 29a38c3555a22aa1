// Package httprpc is the Conn between processes, and the server that it calls: POST /rpc/<operation> with JSON bodies over
// HTTP/2 and whatever TLS it is given. Who the peer is comes from its certificate, for whom it calls from the trust
// profile, and what that allows from the row; the package decides none of it.
//
// A call has these headers beside those of the profile:
//
//	Rpc-Version: 1
//	Rpc-Timeout: 4980              whole milliseconds that are left; a clock that differs does no harm
//	Traceparent: 00-<transaction>-<span>-01
//
// Success is 200 with the response as JSON and Rpc-Version; a fault is RFC 9457 problem details, rebuilt from its code and
// never from the status. Everything else is not an answer of ours: see [NewConn].
//
// The version of the wire is 1. It stays while an operation is added, or a code (an unknown one reads as unavailable), or a
// member whose absence means what was meant before: both sides ignore members that they do not know. It is raised where an old
// side would misunderstand a new one. A side that is called in another version refuses with unimplemented, so a rolling update
// across a version needs a release that speaks both.
package httprpc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"oms/platform/fault"
)

const (
	pathPrefix = "/rpc/"
	userAgent  = "oms-rpc/1"

	version       = "1"
	versionHeader = "Rpc-Version"
	timeoutHeader = "Rpc-Timeout"
	traceHeader   = "Traceparent"

	jsonType    = "application/json"
	problemType = "application/problem+json"
)

// The sizes that a side accepts. The largest honest request is an order with as many items as the edge lets in (1 MiB),
// the largest response a full page of orders; the header of a response holds nothing large. Who has no certificate sends a
// join token and a certificate request, and could send as many at once as there are connections.
const (
	maxRequest          = 4 << 20
	maxAnonymousRequest = 16 << 10
	maxResponse         = 16 << 20
	maxResponseHeader   = 64 << 10
)

// anonymousBodyTimeout is how long a stranger's request may take to arrive: 16 KiB, on a network between processes.
const anonymousBodyTimeout = 3 * time.Second

// encode is the JSON form that travels. Characters of HTML stay what they are: nobody renders it.
func encode(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

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
