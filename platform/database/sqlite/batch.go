package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"oms/platform/database"
)

const (
	// busyPause is the time between two attempts at the write lock. Between two batches of a busy writer the lock is free for
	// less than a millisecond, so longer pauses would miss it for long.
	busyPause = 250 * time.Microsecond
	// busyLimit is when to give up on the write lock: no batch and no command holds it for that long unless it hangs.
	busyLimit = 5 * time.Second
)

// breakage is why nothing of a batch was stored.
type breakage struct {
	culprit *job  // the job whose run broke the transaction, if it was one
	blame   bool  // it was a work's doing, not the disk's: its own statements, or a commit refused for what is in it
	err     error // what the culprit learns; what everyone learns of the disk
}

// perform runs the jobs in w.batch, with what queues meanwhile, and tells every caller its result.
func (w *writer) perform() {
	broken := w.attempt(w.gather)
	if broken != nil && broken.culprit != nil {
		// One work spoilt it for the others: they run again without it, once.
		broken.culprit.tell(broken.err)
		w.batch = slices.DeleteFunc(w.batch, func(j *job) bool { return j == broken.culprit })
		if len(w.batch) == 0 {
			return
		}
		broken = w.attempt(nil)
	}
	switch {
	case broken == nil:
		for _, j := range w.batch {
			j.tell(j.result)
		}
	case broken.blame && len(w.batch) > 1:
		// A deferred constraint does not say whose it is, or there was a second culprit. Alone, each job learns its own result.
		for w.rest = slices.Clone(w.batch); len(w.rest) > 0; {
			j := w.rest[0]
			w.batch, w.rest = append(w.batch[:0], j), w.rest[1:]
			if broken := w.attempt(nil); broken != nil {
				j.result = broken.err
			}
			j.tell(j.result)
		}
	default:
		for _, j := range w.batch {
			j.tell(broken.err)
		}
	}
}

// attempt runs the jobs in w.batch in one transaction; join adds those that may still come along; nil adds none. Without a breakage it is
// durable and each job's result is set; with one nothing of it is stored, and the connection is gone.
func (w *writer) attempt(join func()) *breakage {
	if broken := w.transact(join); broken != nil {
		w.abandon(broken.err)
		return broken
	}
	w.commits.Add(1)
	for _, j := range w.batch {
		if j.state.Load() == started {
			w.works.Add(1)
		}
	}
	if w.failing.Swap(nil) != nil {
		w.log.Info("the database can be written again")
	}
	return nil
}

func (w *writer) transact(join func()) *breakage {
	if err := w.begin(); err != nil {
		return &breakage{err: unavailable(err)}
	}
	for next := 0; next < len(w.batch); next++ {
		if j := w.batch[next]; j.start() {
			if err := w.runOne(j); err != nil {
				return &breakage{culprit: j, blame: !isStorage(err), err: err}
			}
		}
		if next == len(w.batch)-1 && join != nil {
			join() // no more to run: what has queued since comes along, the commit costs the same
		}
	}
	_, err := w.on.exec("COMMIT")
	switch {
	case err == nil:
		return nil
	case isStorage(err):
		return &breakage{err: unavailable(err)}
	}
	return &breakage{blame: true, err: err}
}

// begin takes the write lock, and waits for it as long as busyLimit.
func (w *writer) begin() error {
	for deadline := time.Now().Add(busyLimit); ; time.Sleep(busyPause) { //nolint:forbidigo // SQLite tells nobody when a lock is free
		err := w.tryBegin()
		if !isBusy(err) || time.Now().After(deadline) {
			return err
		}
	}
}

// tryBegin opens the connection if need be and takes the write lock if it is free.
func (w *writer) tryBegin() error {
	if w.on == nil {
		on, err := openSession(context.Background(), w.pool)
		if err != nil {
			return err
		}
		w.on = on
	}
	w.on.trim()
	_, err := w.on.exec("BEGIN IMMEDIATE")
	return err
}

// runOne runs one job in a savepoint and sets its result. An error says that the transaction cannot go on.
func (w *writer) runOne(j *job) error {
	for runs := 1; ; runs++ {
		if _, err := w.on.exec("SAVEPOINT work"); err != nil {
			return unavailable(err)
		}
		t := &tx{on: w.on, until: context.Background()}
		err, lost := run(t, j.work, w.log)
		switch {
		case lost != nil && err != nil && !isStorage(lost):
			return err // the work's own words for what it did
		case lost != nil:
			return lost
		}
		if err != nil {
			if _, undo := w.on.exec("ROLLBACK TO work"); undo != nil {
				return spoilt(err, undo)
			}
		}
		// Both fail if the work has ended the transaction under us, with a COMMIT of its own for example.
		if _, release := w.on.exec("RELEASE work"); release != nil {
			return spoilt(err, release)
		}
		if !errors.Is(err, database.ErrRerun) {
			j.result = err
			return nil
		}
		if runs == database.RerunLimit {
			j.result = database.Exhausted(err)
			return nil
		}
	}
}

// spoilt is what the culprit learns whose savepoint could not be ended: the disk's failure, or what it made of the transaction.
func spoilt(own, ending error) error {
	if isStorage(ending) {
		return unavailable(ending)
	}
	return errors.Join(own, fmt.Errorf("database: the work has ended the transaction: %w", ending))
}

// abandon gives up the transaction with its connection: closing it undoes whatever is left, and a new one knows nothing
// of the failure.
func (w *writer) abandon(err error) {
	w.abandoned.Add(1)
	if w.on != nil {
		w.on.discard()
		w.on = nil
	}
	if isStorage(err) {
		err = cause(w.path, err)
	}
	if w.failing.Swap(&err) == nil {
		w.log.Error("a batch of writes was abandoned and undone; the next one tries afresh", "error", err)
	}
}
