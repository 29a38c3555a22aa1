package sqlite

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"oms/platform/database"
)

const (
	// queueLimit bounds the works that wait; beyond it Write blocks. Four batches' worth, so that the writer never idles
	// while callers wake up, and little enough that a stalled disk is felt by callers within a batch or two.
	queueLimit = 1024
	// batchLimit bounds the works of one commit, and with it what a crash or an abandoned batch makes vain, and how long a
	// command beside the server waits for the lock: at some 20 to 50 µs a work, about 10 ms, the time of a slow flush.
	batchLimit = 256
)

// job is one call of Write.
type job struct {
	work   func(database.Tx) error
	state  atomic.Int32 // queued, then started or withdrawn
	result error        // what the caller learns once the batch is committed; the writer's own
	done   chan error   // holds one, so that the writer never waits for a caller
}

const (
	queued int32 = iota
	started
	withdrawn
)

// start claims the job for the writer; false: the caller has gone. It stays true in later runs of a started job.
func (j *job) start() bool {
	return j.state.CompareAndSwap(queued, started) || j.state.Load() == started
}

// withdraw claims the job for its caller, who no longer waits; false: it has started.
func (j *job) withdraw() bool { return j.state.CompareAndSwap(queued, withdrawn) }

// tell gives the caller its result. Only the first result counts.
func (j *job) tell(err error) {
	select {
	case j.done <- err:
	default:
	}
}

// writer is the one goroutine that writes, and its queue.
type writer struct {
	pool   *sql.DB
	path   string
	log    *slog.Logger
	queue  chan *job
	shrink <-chan time.Time // when to look for pages to give back; nil: never
	ended  chan struct{}

	batch []*job   // the batch under way
	rest  []*job   // what is left of a broken batch, to be run one by one
	on    *session // nil after a failure, until the next batch

	failing atomic.Pointer[error] // why the last batch failed, nil where it did not; the failure and its end are logged once each

	works, commits, abandoned atomic.Int64
}

func startWriter(pool *sql.DB, shrink <-chan time.Time, path string, log *slog.Logger) *writer {
	w := &writer{pool: pool, path: path, log: log, queue: make(chan *job, queueLimit), shrink: shrink, ended: make(chan struct{})}
	go w.loop()
	return w
}

// write queues work and waits for its result.
func (w *writer) write(ctx context.Context, work func(database.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{work: work, done: make(chan error, 1)}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.withdraw() {
			return ctx.Err()
		}
		return <-j.done
	}
}

// stop finishes what is queued and ends the goroutine. No write may be under way or follow.
func (w *writer) stop() {
	close(w.queue)
	<-w.ended
}

// loop writes batches until the queue is closed and empty.
func (w *writer) loop() {
	defer func() {
		if len(w.batch) == 0 {
			close(w.ended)
			return
		}
		// A work has ended this goroutine (runtime.Goexit, which the Fatal of a test calls). Its callers must not wait for ever.
		w.abandon(errExited)
		for _, j := range slices.Concat(w.batch, w.rest) {
			j.tell(errExited)
		}
		w.batch, w.rest = nil, nil
		go w.loop()
	}()
	for open := true; open; {
		var first *job
		select {
		case first, open = <-w.queue:
		case <-w.shrink:
			w.giveBack()
		}
		if first == nil {
			continue
		}
		w.batch = append(w.batch, first)
		w.perform()
		clear(w.batch) // so that it keeps no work alive
		w.batch = w.batch[:0]
	}
	if w.on != nil {
		// Leave the log empty, also beside a command that keeps it open. Best effort: the log is as durable as the file.
		_, _ = w.on.exec("PRAGMA wal_checkpoint(TRUNCATE)")
		w.on.discard()
	}
}

// gather adds what has queued meanwhile to the batch, as far as there is room. It does not wait for more.
func (w *writer) gather() {
	for len(w.batch) < batchLimit {
		select {
		case j, open := <-w.queue:
			if !open {
				return
			}
			w.batch = append(w.batch, j)
		default:
			return
		}
	}
}
