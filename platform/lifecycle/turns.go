package lifecycle

import (
	"io"
	"net/http"
	"time"

	"oms/platform/connections"
	"oms/platform/limits"
)

// turn waits for a stranger's turn.
func (f *flight) turn(place *connections.Conn, r *http.Request) (done func(), err error) {
	place.Earn(headSize(r.Header) + usuallyAside)
	defer place.Queue()()
	return f.turns.Take(r.Context(), place.Address())
}

const (
	// turnsForEach is how many requests of strangers are begun at once for each processor: whoever comes next does not stand
	// behind all that others have sent.
	turnsForEach = 2
	// turnLasts is after which time a turn goes on to the next one: its request waits for something.
	turnLasts = 50 * time.Millisecond
)

func newFlight(handler http.Handler) *flight {
	all := turnsForEach * limits.Processors()
	return &flight{handler: handler, turns: limits.NewTurns(all, all, turnLasts)}
}

// turnWriter ends a request's turn when it is answered: its client may be slow to read.
type turnWriter struct {
	http.ResponseWriter
	done func()
}

// Unwrap is for [http.ResponseController].
func (w *turnWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *turnWriter) WriteHeader(status int) {
	w.done()
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *turnWriter) Write(text []byte) (int, error) {
	w.done()
	return w.ResponseWriter.Write(text)
}

// usuallyAside is what a client sends beside a request: that it has read parts of the answer (RFC 9113 section 6.9), or that
// it gives it up.
const usuallyAside = 4 << 10

// headSize is what the fields of a head take (RFC 9113 section 6.5.2), which are fewer bytes on the line.
func headSize(header http.Header) (bytes int64) {
	for name, values := range header {
		for _, value := range values {
			bytes += int64(len(name) + len(value) + 32)
		}
	}
	return bytes
}

// strangersBody is a body whose bytes count as asked for once they are read, and whose reading ends the request's turn: its client
// may be slow to send.
type strangersBody struct {
	io.ReadCloser
	place *connections.Conn
	done  func()
}

// Read implements [io.Reader].
func (b *strangersBody) Read(p []byte) (int, error) {
	b.done()
	n, err := b.ReadCloser.Read(p)
	b.place.Earn(int64(n) + int64(n)/16) // and the frames around them
	return n, err
}
