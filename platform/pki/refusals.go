package pki

import (
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// refusalsAtOnce lines are written at once, which shows a wrong start of a whole installation.
	refusalsAtOnce = 20
	// refusalsPerSecond follow: enough to see that it goes on, and a day of them is a file that can be opened.
	refusalsPerSecond = 5
)

// refusals writes down who was refused. It is safe for concurrent use.
type refusals struct {
	log *slog.Logger
	now func() time.Time

	mu         sync.Mutex
	limit      *rate.Limiter
	suppressed int // since the last line
}

func newRefusals(log *slog.Logger, now func() time.Time) *refusals {
	return &refusals{log: log, now: now, limit: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce)}
}

// tell writes one line, or counts it for the next one that is written.
func (r *refusals) tell(from net.Addr, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.limit.AllowN(r.now(), 1) {
		r.suppressed++
		return
	}
	args := []any{"from", from.String(), "why", why.Error()}
	if r.suppressed > 0 {
		args = append(args, "suppressed", r.suppressed)
		r.suppressed = 0
	}
	r.log.Warn("a connection was refused", args...)
}
