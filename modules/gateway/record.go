package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/fault"
	"oms/platform/limits"
)

// newRequests is the metric of all requests. Its labels are ours, never a client's.
func newRequests() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "oms_requests_total",
		Help: "Requests from outside, by route, by class of status, and by why they were refused (empty: they were not).",
	}, []string{"method", "route", "status", "reason"})
}

// failed is where a request's context keeps why it was refused.
const failed = "failed"

// overloaded is why a request was refused that the budget had no room for.
const overloaded = "overloaded"

// reasonOf is why a request has failed, for the metric: the fault's code, of which there are few.
func reasonOf(err error) string {
	if errors.Is(err, limits.ErrUsedUp) {
		return overloaded
	}
	return string(fault.CodeOf(err))
}

// record counts every request, and writes one line about it: never a header, a parameter or a body. Of requests that no
// user is proven to stand behind a sample is written: anybody can send millions of them.
func (g *gateway) record(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := g.Now()
		err := next(c)
		ctx, status := c.Request().Context(), c.Response().Status
		reason, _ := c.Get(failed).(string)
		g.requests.WithLabelValues(methodOf(c), routeOf(c).path, strconv.Itoa(status/100)+"xx", reason).Inc()
		write := g.strangers.Log
		if provenUser(ctx) {
			write = g.Log.Log
		}
		write(ctx, slog.LevelInfo, "request", "method", c.Request().Method, "route", c.Path(), "status", status,
			"duration", g.Now().Sub(started), "address", c.Request().RemoteAddr, "trace_id", c.Response().Header().Get(traceHeader))
		return err
	}
}

// methodOf is the method of a route, and nothing where there is no such route: methods can be made up too.
func methodOf(c echo.Context) string {
	if routeOf(c).path == "" {
		return ""
	}
	switch method := c.Request().Method; method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return method
	}
	return ""
}

// provenUser says whether a user stands behind the request.
func provenUser(ctx context.Context) bool {
	a, limited := ctx.Value(admissionKey{}).(*admission)
	return limited && a.proven
}
