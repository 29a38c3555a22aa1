// Package sampled is a log for lines that outsiders can cause, thousands of times a second: the first are written, then
// a few each second, with the number of those that were left out. No flood of them fills a disk, and each flood is seen.
package sampled

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
	// perSecond follow: enough to see that it goes on. A process has five kinds of such lines, ten a second in all, and a
	// day of them is a file that can be opened.
	perSecond = 2
)

// Log takes the lines of one kind. It is safe for concurrent use.
type Log struct {
	out *slog.Logger
	now func() time.Time

	mu         sync.Mutex
	limit      *rate.Limiter
	suppressed int // since the last line
}

// New makes a Log that has written nothing yet.
func New(log *slog.Logger, now func() time.Time) *Log {
	return &Log{out: log, now: now, limit: rate.NewLimiter(perSecond, atOnce)}
}

// Log writes one line, or counts it for the next one that is written.
func (l *Log) Log(ctx context.Context, level slog.Level, message string, args ...any) {
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
	l.out.Log(ctx, level, message, args...)
}
