package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"oms/platform/fault"
	"oms/platform/identity"
)

// fail writes an error. Refusals for want of a credential or a right have no body (RFC 6750 section 3); everything
// else is problem details (RFC 9457).
func (g *gateway) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return // the answer is under way; the connection shows that it is not whole
	}
	failure := fault.From(routing(err))
	if failure.Code == fault.Internal {
		g.Log.ErrorContext(c.Request().Context(), "request failed", "trace_id", c.Response().Header().Get(traceHeader), "cause", err)
	}
	header := c.Response().Header()
	header.Set("Cache-Control", "no-store")
	switch failure.Code {
	case fault.Unauthenticated, fault.PermissionDenied:
		header.Set("WWW-Authenticate", challenge(c.Request(), failure, err))
		header.Set("Content-Length", "0")
		c.Response().WriteHeader(failure.Code.Status())
	default:
		writeProblem(c, failure)
	}
}

// challenge is the WWW-Authenticate header (RFC 6750 section 3): without an error where nothing was sent.
func challenge(r *http.Request, failure *fault.Error, err error) string {
	var missing *missingScopeError
	switch {
	case errors.As(err, &missing):
		return `Bearer error="insufficient_scope", scope="` + missing.scope + `"`
	case failure.Code == fault.PermissionDenied:
		return `Bearer error="insufficient_scope"`
	case len(r.Header.Values("Authorization")) > 0:
		return `Bearer error="invalid_token"`
	}
	return "Bearer"
}

// unsaidRetry is for an unavailable module that did not say when to come back.
const unsaidRetry = 2 * time.Second

func writeProblem(c echo.Context, failure *fault.Error) {
	header := c.Response().Header()
	after := failure.RetryAfter
	if after == 0 && (failure.Code == fault.Unavailable || failure.Code == fault.RateLimited) {
		after = unsaidRetry
	}
	if after > 0 {
		header.Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	body, err := json.Marshal(failure.Problem(c.Request().URL.EscapedPath(), header.Get(traceHeader)))
	if err != nil {
		body = nil // a problem is made of texts and numbers; without its text the status still stands
	}
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	c.Response().WriteHeader(failure.Code.Status())
	_, _ = c.Response().Write(body)
}

// routing turns the router's own errors into faults.
func routing(err error) error {
	switch {
	case errors.Is(err, echo.ErrNotFound):
		return fault.New(fault.NotFound, "There is nothing at this path.")
	case errors.Is(err, echo.ErrMethodNotAllowed):
		return fault.New(fault.MethodNotAllowed, "This path does not take this method; the Allow header says which it takes.")
	}
	return err
}

// traceHeader tells the client the id under which the log knows its request; problem details repeat it.
const traceHeader = "X-Trace-Id"

// answerTimeout is how long a client may take to read an answer: 6 MB, the largest page of orders, at 2.5 Mbit/s. It is
// less than a stopping process waits, so that clients that do not read cannot spoil a stop. A stream of events lifts it.
const answerTimeout = 20 * time.Second

// maxDiscard is how much of a body that nobody wanted is read, as net/http does with HTTP/1: refused uploads end there.
const maxDiscard = 256 << 10

// discard reads what is left of a body that was refused unread. Over HTTP/2 the server would otherwise reset the stream
// behind the answer (RFC 9113 section 8.1), and clients that are still sending, such as curl, lose the answer with it.
// Whoever waits to be asked for the body (Expect) is not asked.
func discard(r *http.Request) {
	if r.ProtoMajor == 2 && r.Body != nil && r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscard) // a body that fails has nobody to be told
	}
}

// observe gives every request its transaction and writes one line about it: never a header, a parameter or a body.
func (g *gateway) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := g.Now()
		transaction := identity.NewTransaction()
		r := c.Request()
		c.SetRequest(r.WithContext(identity.With(r.Context(), identity.Principal{Transaction: transaction})))
		c.Response().Header().Set(traceHeader, transaction)
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		c.Response().Before(func() {
			_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Now().Add(answerTimeout)) // a test's recorder has none
		})
		if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
			// It may have come with a Content-Length too, which net/http drops: whoever stands in front of us may have
			// gone by that one, so nothing that follows on this connection can be trusted (RFC 9112 section 6.1).
			c.Response().Header().Set("Connection", "close")
		}
		if err := g.contain(next, c); err != nil {
			c.Error(err)
		}
		discard(r)
		g.Log.InfoContext(r.Context(), "request", "method", r.Method, "route", c.Path(), "status", c.Response().Status,
			"duration", g.Now().Sub(started), "trace_id", transaction)
		return nil
	}
}
