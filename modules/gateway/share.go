package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"oms/platform/fault"
	"oms/platform/limits"
)

// pageSize is what a page for people takes beside what every request does: its data, and its text until it has been read.
const pageSize = 64 << 10

// takeShare has the request hold its share of what the process has, from before anything of it is read until its answer
// has been read. Where nothing is left it is refused at once, and its body is not even discarded.
func (g *gateway) takeShare(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		route, request := routeOf(c), c.Request()
		share, err := g.Budget.Enter(route.rank, limits.AddressKey(request.RemoteAddr))
		if err != nil {
			g.refuse(c, err)
			return nil
		}
		defer share.Leave()
		if route.credential == session || route.credential == theirs {
			if err := share.Take(pageSize); err != nil {
				g.refuse(c, err)
				return nil
			}
		}
		c.SetRequest(request.WithContext(limits.WithShare(request.Context(), share)))
		err = next(c)
		waitForReader(c)
		return err
	}
}

const (
	// toldAtOnce is how many clients that are refused for want of room can be told why at once. Others get the status and
	// Retry-After: a head waits for no reader.
	toldAtOnce = 128
	// refusalTimeout is how long they may take to read it.
	refusalTimeout = time.Second
)

// refuse answers a request for which there is no room.
func (g *gateway) refuse(c echo.Context, err error) {
	if !g.told.TryAcquire(1) {
		failure := fault.From(err)
		c.Set(failed, reasonOf(err))
		c.Response().Header().Set("Retry-After", strconv.FormatInt(seconds(failure.ToldRetry()), 10))
		c.Response().Header().Set("Content-Length", "0")
		c.Response().WriteHeader(failure.Code.Status())
		return
	}
	defer g.told.Release(1)
	c.Response().Before(func() {
		_ = http.NewResponseController(c.Response().Writer).SetWriteDeadline(time.Now().Add(refusalTimeout)) // a test's recorder has none
	})
	c.Error(err)
	waitForReader(c)
}
