// Package refusal writes down who was refused. Whoever is refused can come again at once, and thousands of times a
// second, so it promises that no flood of refusals fills a log, and that each flood is seen. It decides nothing.
package refusal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// atOnce lines are written at once, which shows a wrong start of a whole installation.
	atOnce = 20
	// perSecond follow: enough to see that it goes on, and a day of them is a file that can be opened.
	perSecond = 5
)

// Log is where refusals of one kind go. It is safe for concurrent use.
type Log struct {
	log *slog.Logger
	now func() time.Time

	mu         sync.Mutex
	limit      *rate.Limiter
	suppressed int // since the last line
}

// New makes a Log that has said nothing yet.
func New(log *slog.Logger, now func() time.Time) *Log {
	return &Log{log: log, now: now, limit: rate.NewLimiter(perSecond, atOnce)}
}

// Tell writes one line, or counts it for the next one that is written.
func (l *Log) Tell(ctx context.Context, level slog.Level, message string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.limit.AllowN(l.now(), 1) {
		l.suppressed++
		return
	}
	if l.suppressed > 0 {
		args = append(args[:len(args):len(args)], "suppressed", l.suppressed)
		l.suppressed = 0
	}
	l.log.Log(ctx, level, message, args...)
}
