package gateway

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

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

// waitForReader returns when the client has taken the whole answer. Over HTTP/2 a small one would otherwise wait for its
// reader behind the handler, with its stack and its buffers and nobody counting, a hundred to a connection.
func waitForReader(c echo.Context) {
	if c.Request().ProtoMajor == 2 && c.Response().Size > 0 {
		_ = http.NewResponseController(c.Response().Writer).Flush() // who does not take it in time has gone
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
		if r.ProtoMajor == 2 && r.ContentLength != 0 && r.Body != nil && r.Header.Get("Expect") == "" {
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
