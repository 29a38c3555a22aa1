package database

import "database/sql"

// result is the rows of a statement.
type result struct{ *sql.Rows }

func (r result) Scan(into ...any) error { return r.Rows.Scan(Destinations(into)...) }
func (r result) Err() error             { return classify(r.Rows.Err()) }

// resultRow is the row of a statement.
type resultRow struct{ *sql.Row }

func (r resultRow) Scan(into ...any) error { return classify(r.Row.Scan(Destinations(into)...)) }

// classify makes an error of SQLite also what it is for every engine.
func classify(err error) error {
	if isUnique(err) {
		return uniqueViolation{err}
	}
	return err
}

// uniqueViolation is SQLite's error, with its text, and is [ErrUniqueViolation] too.
type uniqueViolation struct{ error }

func (u uniqueViolation) Is(target error) bool { return target == ErrUniqueViolation }
func (u uniqueViolation) Unwrap() error        { return u.error }
