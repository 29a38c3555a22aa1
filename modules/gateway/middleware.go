package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"oms/platform/identity"
)

// middleware is what every request goes through, in this order.
func (g *gateway) middleware() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		g.findClient, g.findRoute, begin, g.share, g.stayEncrypted, g.limitAnswerTime, g.record, g.takeShare, discardBody, answerErrors,
		g.recoverPanics, g.admit, refuseUnclearPaths, g.answerPreflight,
	}
}

// findClient puts the address of the client in the place of the connection's peer, for everything that follows: what
// counts by address, the log, and the STS's pages.
func (g *gateway) findClient(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Request().RemoteAddr = g.Proxies.Client(c.Request())
		return next(c)
	}
}

// traceHeader tells the client the id under which the log knows its request; problem details repeat it.
const traceHeader = "X-Trace-Id"

// begin makes the request's transaction; what a client says about its own is not taken. It keeps browsers from taking the
// answer for something else than it says.
func begin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		transaction := identity.NewTransaction()
		r := c.Request()
		c.SetRequest(r.WithContext(identity.With(r.Context(), identity.Principal{Transaction: transaction})))
		c.Response().Header().Set(traceHeader, transaction)
		c.Response().Header().Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

// answerErrors answers what has gone wrong, in the form of the route.
func answerErrors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		return nil
	}
}

// recoverPanics turns a panic, which is a defect, into an error: it is logged with its stack and answered like any
// other, so that one bad request does not take down the others of its connection.
func (g *gateway) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if said, ok := cause.(error); ok && errors.Is(said, http.ErrAbortHandler) { // on purpose
				panic(cause)
			}
			err = fmt.Errorf("the gateway panicked: %v", cause)
			ctx, trace, stack := c.Request().Context(), c.Response().Header().Get(traceHeader), string(debug.Stack())
			if c.Response().Committed { // half an answer must not pass for a whole one
				g.defects.Log(ctx, slog.LevelError, "request failed half-way", "trace_id", trace, "cause", err, "stack", stack)
				panic(http.ErrAbortHandler)
			}
			g.defects.Log(ctx, slog.LevelError, "panic", "trace_id", trace, "stack", stack)
		}()
		return next(c)
	}
}

// refuseUnclearPaths answers 404 for paths that two readers could understand differently: with empty or dot segments,
// also where they are escaped, backslashes and control characters. None of ours has any. It does so too where the path
// has more segments than the route: the router lets a last member take all the rest.
func refuseUnclearPaths(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !unambiguous(c.Request().URL.Path) || !asDeep(echo.GetPath(c.Request()), c.Path()) {
			c.Set(matched, nil) // whose page it would be is what is unclear
			return errNotFound
		}
		return next(c)
	}
}

func asDeep(path, route string) bool {
	return route == "" || strings.HasSuffix(route, "*") || strings.Count(route, "/") == strings.Count(path, "/")
}

func unambiguous(decoded string) bool {
	cleaned := path.Clean(decoded)
	if strings.HasSuffix(decoded, "/") && cleaned != "/" {
		cleaned += "/"
	}
	return strings.HasPrefix(decoded, "/") && cleaned == decoded && !strings.ContainsFunc(decoded, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '\\'
	})
}
