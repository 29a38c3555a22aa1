package observe

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// mostWaiting is how many bytes of the log wait for whoever reads it: some ten thousand lines.
const mostWaiting = 2 << 20

// Sink is where a log's lines go that nobody has to wait for: a terminal that is held, a pipe that is not read or a disk that
// is slow do not hold up the process. Lines for which there is no room are dropped, and their number is told in their place.
// It is safe for concurrent use; each Write is one line.
type Sink struct {
	to   io.Writer
	tell *slog.Logger  // writes into waiting
	wake chan struct{} // something is waiting, or it is over
	done chan struct{}

	mu      sync.Mutex
	waiting bytes.Buffer
	dropped int // since the last line that was taken
	all     int // dropped so far
	over    bool
}

// NewSink makes one that writes to to, until it is closed. What it says itself is in the format of the log, see [NewLog].
func NewSink(to io.Writer, format string) *Sink {
	s := &Sink{to: to, wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.tell = NewLog(&s.waiting, "warn", format)
	go s.run()
	return s
}

// Write implements [io.Writer]. It never fails.
func (s *Sink) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.waiting.Len()+len(line) > mostWaiting {
		s.dropped++
		s.all++
		return len(line), nil
	}
	if s.dropped > 0 {
		s.tell.Warn("lines of the log are missing here: whoever reads it was too slow", "lines", s.dropped)
		s.dropped = 0
	}
	s.waiting.Write(line)
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
	return len(line), nil
}

// Dropped is how many lines there was no room for so far.
func (s *Sink) Dropped() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// Collector is that as a metric.
func (s *Sink) Collector() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "oms_log_lines_dropped_total", Help: "Lines of the log that were dropped, because whoever reads it is too slow.",
	}, func() float64 { return float64(s.Dropped()) })
}

// Close writes what is waiting, for as long as ctx lasts. What comes later is dropped.
func (s *Sink) Close(ctx context.Context) {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	select {
	case <-s.done:
	case <-ctx.Done():
	}
}

func (s *Sink) run() {
	defer close(s.done)
	var lines bytes.Buffer
	for range s.wake {
		s.mu.Lock()
		lines, s.waiting = s.waiting, lines
		over := s.over
		s.mu.Unlock()
		_, _ = s.to.Write(lines.Bytes()) // where nobody reads it any more, there is nobody to tell
		lines.Reset()
		if over {
			return
		}
	}
}
