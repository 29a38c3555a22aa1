package sqlite

import (
	"database/sql"

	"oms/platform/database"
)

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
