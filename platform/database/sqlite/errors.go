package sqlite

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"oms/platform/database"
	"oms/platform/fault"
)

// fullAfter is when to try again on a full disk: somebody has to make room first.
const fullAfter = 10 * time.Second

// errClosed is the cause of every refusal after Close.
var errClosed = errors.New("the database is closed")

// unavailable is what callers learn of a failing disk. The cause, which may name paths, stays in this process.
func unavailable(err error) error {
	already, judged := errors.AsType[*fault.Error](err)
	switch {
	case judged:
		return already
	case errors.Is(err, errClosed):
		return fault.Retryable(database.RetryAfter, "The service is stopping; try again.").Because(err)
	case isFull(err):
		return fault.Retryable(fullAfter, "Nothing can be stored at the moment, since the disk is full; try again when there is room.").Because(err)
	case isBusy(err):
		return fault.Retryable(database.RetryAfter, "Another process is writing for too long; try again.").Because(err)
	}
	return fault.Retryable(database.RetryAfter, "The data cannot be reached at the moment; try again.").Because(err)
}

// The errors of opening are for the operator: one line that names the data and says what to do.

// unusable says that a database cannot be read at all.
func unusable(path string, err error) error {
	if isDamaged(err) {
		return fmt.Errorf("%s is not a sound SQLite database: restore it from a backup, or move it away to begin anew (%w)", path, oneLine(err))
	}
	return fmt.Errorf("open %s: %w", path, oneLine(err))
}

func tooNew(o Options, s database.Status) error {
	return fmt.Errorf("the schema of %s is at version %d and this program knows only %d: use the newer program, or restore a backup from before", o.Path, s.Current, s.Latest)
}

// flat is an error whose text has no line breaks.
type flat struct{ error }

func (f flat) Error() string { return strings.Join(strings.Fields(f.error.Error()), " ") }
func (f flat) Unwrap() error { return f.error }

func oneLine(err error) error { return flat{err} }
