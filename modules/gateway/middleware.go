package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"oms/platform/identity"
)

// middleware is what every request goes through, in this order.
func (g *gateway) middleware() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		g.findClient, g.findRoute, begin, g.stayEncrypted, g.limitAnswerTime, g.record, g.takeShare, discardBody, answerErrors,
		g.recoverPanics, g.admit, refuseUnclearPaths,
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

// answerTimeout is how long a client may take to read an answer: 256 KiB, the largest page, at 100 kbit/s. It is less than
// a stopping process waits, so that clients that do not read cannot spoil a stop.
const answerTimeout = 20 * time.Second

// scarceTimeout is the same while more than half of the budget is in use: whoever holds something makes room soon, and the
// other half cannot be held for long by clients that do not read.
const scarceTimeout = 2 * time.Second

// limitAnswerTime gives up answers that nobody reads.
func (g *gateway) limitAnswerTime(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Before(func() {
			timeout := answerTimeout
			if g.Budget.Scarce() {
				timeout = scarceTimeout
			}
			_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Now().Add(timeout)) // a test's recorder has none
		})
		return next(c)
	}
}

const (
	// maxDiscard is how many bytes of a body that nobody wanted are read, as net/http does with HTTP/1: refused uploads end there.
	maxDiscard = 256 << 10
	// discardStep is how many of them have to come within discardPause, more than the longest round trip, and discardTimeout
	// how long it lasts in all.
	discardStep    = 16 << 10
	discardPause   = 500 * time.Millisecond
	discardTimeout = 3 * time.Second
)

// discardBody reads what is left of a body that was refused unread. Over HTTP/2 the server would otherwise reset the
// stream behind the answer (RFC 9113 section 8.1), and clients that are still sending, such as curl, lose the answer
// with it. Whoever waits to be asked for the body (Expect) is not asked.
func discardBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request() // whose body is not limited yet
		err := next(c)
		if r.ProtoMajor == 2 && r.Body != nil && r.Header.Get("Expect") == "" {
			discard(c.Response().Writer, r.Body)
		}
		return err
	}
}

// discard reads on as long as something comes: a client that has seen the answer may send nothing more, and not say so.
func discard(w http.ResponseWriter, body io.Reader) {
	control, end := http.NewResponseController(w), time.Now().Add(discardTimeout)
	for range maxDiscard / discardStep {
		next := time.Now().Add(discardPause)
		if next.After(end) {
			return
		}
		_ = control.SetReadDeadline(next)                                  // a test's recorder has none
		if _, err := io.CopyN(io.Discard, body, discardStep); err != nil { // a body that fails has nobody to be told
			return
		}
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
