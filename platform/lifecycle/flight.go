package lifecycle

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// quiet is how long no handler must have run, after nothing more is accepted, before idle connections are closed. It
	// leaves clients the time to read their last answer and the notice that the connection is over.
	quiet = time.Second
	// quietStep is how often it is looked at.
	quietStep = 50 * time.Millisecond
)

// flight counts the requests whose handler runs. net/http itself waits for connections: one that a browser has opened
// in advance and never used would hold up a stop for ten seconds.
type flight struct {
	handler http.Handler
	running atomic.Int64
}

// ServeHTTP implements [http.Handler].
func (f *flight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.running.Add(1)
	defer f.running.Add(-1)
	f.handler.ServeHTTP(w, r)
}

// shutDown accepts nothing more and waits for what was accepted, then closes what is left.
func (f *flight) shutDown(ctx context.Context, server *http.Server) error {
	done := make(chan error, 1)
	go func() { done <- server.Shutdown(ctx) }()
	ticker := time.NewTicker(quietStep)
	defer ticker.Stop()
	for still := time.Duration(0); ; {
		select {
		case err := <-done:
			return cutOff(err, server)
		case <-ticker.C:
			if still += quietStep; f.running.Load() > 0 {
				still = 0
			}
			if still >= quiet {
				return errors.Join(server.Close(), <-done) // which now finds no connection any more
			}
		}
	}
}

// cutOff ends what Shutdown gave up waiting for.
func cutOff(err error, server *http.Server) error {
	if err == nil {
		return nil
	}
	if closed := server.Close(); closed != nil {
		err = errors.Join(err, closed)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("requests were still running when the time to stop was up, and were cut off")
	}
	return err
}
