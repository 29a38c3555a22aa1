package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"oms/platform/database"
)

// errEnded is what a Tx says that was kept beyond its work.
var errEnded = errors.New("database: the transaction was used after its work had returned")

// errExited is the result of a batch one of whose works ended its goroutine.
var errExited = errors.New("database: a work ended its goroutine (runtime.Goexit, or Fatal of a test) instead of returning")

// tx is the Tx of one run of one work.
type tx struct {
	on     *session
	until  context.Context // no statement starts after its end; never passed to a statement
	reader bool
	lost   error // set once nothing more may run: the transaction is gone or cannot be trusted
	rows   []*sql.Rows
	row    []*sql.Row
}

var _ database.Tx = (*tx)(nil)

func (t *tx) Exec(query string, args ...any) (int64, error) {
	if err := t.ready(); err != nil {
		return 0, err
	}
	result, err := t.on.exec(query, args...)
	if err != nil {
		return 0, t.failed(err)
	}
	return result.RowsAffected()
}

func (t *tx) Query(query string, args ...any) (database.Rows, error) {
	if err := t.ready(); err != nil {
		return nil, err
	}
	rows, err := t.on.query(query, args...) //nolint:rowserrcheck // ready and end look at it
	if err != nil {
		return nil, t.failed(err)
	}
	t.rows = append(t.rows, rows)
	return result{rows}, nil
}

func (t *tx) QueryRow(query string, args ...any) database.Row {
	if err := t.ready(); err != nil {
		return resultRow{t.on.noRow(t.until, query, args...)}
	}
	row := t.on.queryRow(query, args...)
	if err := row.Err(); err != nil {
		_ = t.failed(err)
	}
	t.row = append(t.row, row)
	return resultRow{row}
}

// ready says why no further statement may run. It also looks at the rows being read, whose failure shows only while reading.
func (t *tx) ready() error {
	open := t.rows[:0]
	for _, rows := range t.rows {
		if _, closed := rows.Columns(); closed == nil {
			open = append(open, rows)
		} else if err := rows.Err(); err != nil {
			_ = t.failed(err)
		}
	}
	t.rows = open
	if t.lost != nil {
		return t.lost
	}
	return t.until.Err()
}

// failed judges a statement's error: most undo the statement alone; some end everything.
func (t *tx) failed(err error) error {
	err = classify(err)
	switch {
	case t.lost != nil:
		return t.lost
	case t.reader && isQueryOnly(err):
	case isStorage(err):
		t.lost = unavailable(err)
		return t.lost
	case !t.on.inTransaction():
		t.lost = err
	}
	return err
}

// end closes what the work left open, and the Tx with it.
func (t *tx) end() {
	for _, row := range t.row {
		_ = row.Scan() // closes the rows behind it, if the work has not scanned them
	}
	for _, rows := range t.rows {
		_ = rows.Close()
		if err := rows.Err(); err != nil {
			_ = t.failed(err)
		}
	}
	t.rows, t.row = nil, nil
}

// run runs work once and closes its Tx. lost is set when the transaction cannot go on, whatever the work made of it.
func run(t *tx, work func(database.Tx) error, log *slog.Logger) (err, lost error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("a work panicked and was undone", "panic", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("database: the work panicked: %v", cause)
		}
		t.end()
		lost, t.lost = t.lost, errEnded
	}()
	return work(t), nil
}

// result is the rows of a statement.
type result struct{ *sql.Rows }

func (r result) Scan(into ...any) error { return r.Rows.Scan(database.Destinations(into)...) }
func (r result) Err() error             { return classify(r.Rows.Err()) }

// resultRow is the row of a statement.
type resultRow struct{ *sql.Row }

func (r resultRow) Scan(into ...any) error {
	return classify(r.Row.Scan(database.Destinations(into)...))
}

// classify makes an error of SQLite also what it is for every engine.
func classify(err error) error {
	if isUnique(err) {
		return uniqueError{err}
	}
	return err
}

// uniqueError is SQLite's error, with its text, and is [database.ErrUniqueViolation] too.
type uniqueError struct{ error }

func (u uniqueError) Is(target error) bool { return target == database.ErrUniqueViolation }
func (u uniqueError) Unwrap() error        { return u.error }
