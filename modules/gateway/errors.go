package gateway

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"oms/platform/fault"
	"oms/platform/identity"
)

// errorForm writes the answer to a request that has failed: status, body, and the headers that belong to the form.
type errorForm func(http.ResponseWriter, *http.Request, error)

// fail is how every request fails: what does not depend on the form is decided here.
func (g *gateway) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return // the answer is under way; the connection shows that it is not whole
	}
	switch {
	case errors.Is(err, echo.ErrNotFound):
		err = errNotFound
	case errors.Is(err, echo.ErrMethodNotAllowed):
		err = errNotAllowed
	}
	failure := fault.From(err)
	header := c.Response().Header()
	if failure.Code == fault.Internal {
		g.defects.Log(c.Request().Context(), slog.LevelError, "request failed", "trace_id", header.Get(traceHeader), "cause", err)
	}
	c.Set(failed, reasonOf(err))
	header.Set("Cache-Control", "no-store")
	if after := failure.ToldRetry(); after > 0 {
		header.Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	tellRate(header, err)
	routeOf(c).errors(c.Response(), c.Request(), err)
}

// problem is the form for programs. Refusals for want of a credential or a right have no body (RFC 6750 section 3);
// everything else is problem details (RFC 9457).
func problem(w http.ResponseWriter, r *http.Request, err error) {
	failure := fault.From(err)
	if failure.Code == fault.Unauthenticated || failure.Code == fault.PermissionDenied {
		w.Header().Set("WWW-Authenticate", challenge(r, err))
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(failure.Code.Status())
		return
	}
	body, err := json.Marshal(failure.Problem(r.URL.EscapedPath(), identity.From(r.Context()).Transaction).Explained())
	if err != nil {
		body = nil // a problem is made of texts and numbers; without its text the status still stands
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(failure.Code.Status())
	_, _ = w.Write(body)
}

// challenge is the WWW-Authenticate header (RFC 6750 section 3): without an error where nothing was sent.
func challenge(r *http.Request, err error) string {
	missing, isScope := errors.AsType[*missingScopeError](err)
	switch {
	case isScope:
		return `Bearer error="insufficient_scope", scope="` + missing.scope + `"`
	case fault.CodeOf(err) == fault.PermissionDenied:
		return `Bearer error="insufficient_scope"`
	case len(r.Header.Values("Authorization")) > 0:
		return `Bearer error="invalid_token"`
	}
	return "Bearer"
}
