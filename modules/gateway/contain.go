package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/labstack/echo/v4"
)

// contain runs the rest of the chain. A panic there is a defect: it is logged with its stack and answered like any
// other, so that one bad request does not take down the others of its connection.
func (g *gateway) contain(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		if said, ok := cause.(error); ok && errors.Is(said, http.ErrAbortHandler) { // on purpose
			panic(cause)
		}
		err = fmt.Errorf("the gateway panicked: %v", cause)
		if c.Response().Committed { // half an answer must not pass for a whole one
			g.Log.ErrorContext(c.Request().Context(), "request failed half-way", "trace_id", c.Response().Header().Get(traceHeader),
				"cause", err, "stack", string(debug.Stack()))
			panic(http.ErrAbortHandler)
		}
		g.Log.ErrorContext(c.Request().Context(), "panic", "trace_id", c.Response().Header().Get(traceHeader), "stack", string(debug.Stack()))
	}()
	return next(c)
}
