package database

import (
	"context"
	"errors"
	"slices"
	"time"
)

const (
	// busyPause is the time between two attempts at the write lock. Between two batches of a busy writer the lock is free for
	// less than a millisecond, so longer pauses would miss it for long.
	busyPause = 250 * time.Microsecond
	// busyLimit is when to give up on the write lock: no batch and no command holds it for that long unless it hangs.
	busyLimit = 5 * time.Second
)

// perform runs a batch and tells every caller its result.
func (w *writer) perform(batch []*job) {
	culprit, err := w.attempt(batch)
	if err != nil && culprit != nil {
		// One work spoilt it for the others: they run again, once, without it.
		tell(err, culprit)
		batch = slices.DeleteFunc(batch, func(j *job) bool { return j == culprit })
		_, err = w.attempt(batch)
	}
	switch {
	case err == nil:
		for _, j := range batch {
			j.done <- j.result
		}
	case len(batch) > 1 && !isStorage(err):
		// The commit itself was refused, as a deferred constraint does: alone, each learns whether it is its own fault.
		for _, j := range batch {
			_, err := w.attempt([]*job{j})
			j.done <- errors.Join(err, j.result)
		}
	default:
		tell(err, batch...)
	}
}

func tell(err error, jobs ...*job) {
	for _, j := range jobs {
		j.done <- err
	}
}

// attempt runs a batch in one transaction. Without an error it is durable, and each job's result is set. With one nothing of
// it is, and the connection is gone; culprit is the job whose run broke the transaction, or nil.
func (w *writer) attempt(batch []*job) (culprit *job, err error) {
	if len(batch) == 0 {
		return nil, nil
	}
	culprit, err = w.transact(batch)
	if err != nil {
		w.abandon(err)
		return culprit, err
	}
	w.commits.Add(1)
	w.works.Add(int64(len(batch)))
	if w.failing {
		w.failing = false
		w.log.Info("the database can be written again")
	}
	return nil, nil
}

func (w *writer) transact(batch []*job) (culprit *job, err error) {
	if err := w.begin(); err != nil {
		return nil, unavailable(err)
	}
	for _, j := range batch {
		if !j.start() {
			continue
		}
		if broken := w.runOne(j); broken != nil {
			return j, broken
		}
	}
	if _, err := w.on.exec("COMMIT"); err != nil {
		if isStorage(err) {
			err = unavailable(err)
		}
		return nil, err
	}
	return nil, nil
}

// begin opens the connection if need be and takes the write lock.
func (w *writer) begin() error {
	if w.on == nil {
		on, err := openSession(context.Background(), w.pool)
		if err != nil {
			return err
		}
		w.on = on
	}
	w.on.trim()
	for deadline := time.Now().Add(busyLimit); ; time.Sleep(busyPause) {
		_, err := w.on.exec("BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) || time.Now().After(deadline) {
			return err
		}
	}
}

// runOne runs one job in a savepoint and sets its result. broken: the transaction cannot go on.
func (w *writer) runOne(j *job) (broken error) {
	for runs := 1; ; runs++ {
		if _, err := w.on.exec("SAVEPOINT work"); err != nil {
			return unavailable(err)
		}
		t := &tx{on: w.on, until: context.Background()}
		err, lost := run(t, j.work, w.log)
		if lost != nil {
			return lost
		}
		if err != nil {
			if _, undo := w.on.exec("ROLLBACK TO work"); undo != nil {
				return errors.Join(err, undo)
			}
		}
		if _, release := w.on.exec("RELEASE work"); release != nil {
			return errors.Join(err, release)
		}
		if !errors.Is(err, ErrRerun) {
			j.result = err
			return nil
		}
		if runs == rerunLimit {
			j.result = exhausted(err)
			return nil
		}
	}
}

// abandon gives up the transaction with its connection: closing it undoes whatever is left, and a new one knows nothing
// of the failure.
func (w *writer) abandon(err error) {
	w.abandoned.Add(1)
	if w.on != nil {
		w.on.discard()
		w.on = nil
	}
	if !w.failing {
		w.failing = true
		w.log.Error("a batch of writes was abandoned and undone; the next one tries afresh", "error", err)
	}
}
