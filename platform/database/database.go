// Package database is what works need of a module's own database, whatever engine keeps it.
//
// Every engine promises:
//   - Write is all or nothing, one at a time in an order that every reader sees, and returns nil only when the commit is on disk.
//   - An error of one work undoes that work alone. A failing disk fails every work it might have touched, and the next write tries
//     afresh: when the disk is well again, so is the database, without a restart.
//   - Read sees one consistent state and never waits for a writer.
//
// It does not build SQL or hide the database: statements are SQL with $1 placeholders, a query's rows are scanned.
// Transactions do not nest and never span two databases. An engine is a package below this one, so far sqlite alone;
// databasetest.Run holds it to the promises.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"oms/platform/fault"
)

// Tx is what a piece of work sees of its transaction. It belongs to the goroutine that runs the work, until the work returns;
// afterwards its statements fail, and rows left open are closed.
//
// Arguments and results can be times and bools as they are in Go; their columns are integers (milliseconds since 1970, 0 and 1).
//
// Statements take no context: an interrupted statement would undo the whole batch that the work is part of.
// A statement's error is the driver's, so that the work can tell a unique violation ([IsUniqueViolation]) and go on: the
// failed statement alone was undone. A failure of the disk is a *fault.Error with code unavailable; the work cannot go on
// after it and should return it.
type Tx interface {
	// Exec runs a statement and gives the number of rows that it inserted, changed or deleted.
	Exec(query string, args ...any) (rows int64, err error)
	// Query runs a statement that answers with rows. [Collect] reads them all.
	Query(query string, args ...any) (Rows, error)
	// QueryRow runs a statement that answers with one row; its Scan gives sql.ErrNoRows when there is none. [Find] and
	// [Found] make that a bool.
	QueryRow(query string, args ...any) Row
}

// Row is one row of an answer. A time is scanned into a *time.Time, in UTC; a bool into a *bool.
type Row interface {
	Scan(into ...any) error
}

// Rows are the rows of an answer, one after the other, as *sql.Rows are.
type Rows interface {
	Row
	Next() bool
	Err() error
	Close() error
}

// Store is a module's own database. It is safe for concurrent use. Engines implement it; tests wrap it to inject faults.
type Store interface {
	// Write runs work in the next batch and returns nil only when its commit is durable.
	//
	// work must be a pure function of the transaction: it may be run again from the start, must call nothing outside
	// (least of all Write or Read, which would wait for itself), and must not keep the Tx. What it hands out through
	// captured variables must be set anew in each run and be read only after Write returned nil.
	//
	// An error of work undoes the work and is returned as it is. A panic of work undoes it too, and is an error to this caller.
	//
	// ctx decides only whether the work is still queued: when it ends before the work has started, Write gives ctx.Err() and
	// the work never runs. Once started, Write waits for the true result.
	//
	// A failing or full disk is a *fault.Error with code unavailable. As always with a disk that fails while it stores, such
	// a work has almost certainly, but not provably, left no trace: whoever repeats it needs a key that makes it idempotent.
	Write(ctx context.Context, work func(Tx) error) error

	// Read runs work on a consistent snapshot of everything whose Write has returned, and perhaps of later works. Statements that write fail.
	// ctx bounds the wait for a free connection, and when it ends, the statements of the work that have not started yet
	// fail with ctx.Err(). The same rules for work hold as in Write.
	Read(ctx context.Context, work func(Tx) error) error

	// Room is nil while there is room on the disk for what is added, else a *fault.Error with code unavailable. Who adds what
	// nobody has been promised yet, such as an order, asks it before, so that there is still room to finish, to cancel and to
	// remove. It is cheap, and Write does not ask it.
	Room() error
}

// Status says which schema a database has and which one this program knows.
type Status struct {
	Current int64    // the version of the database; 0 when it is new or not there
	Latest  int64    // the version that this program knows
	Pending []string // the files of migrations that are still to be applied, in order
}

// Stats counts what Write has done since the database was opened.
type Stats struct {
	Works     int64 // works that were part of a commit, those that failed by themselves included
	Commits   int64 // commits; Works/Commits is how many callers shared one
	Abandoned int64 // transactions given up because of a failing disk or a work that broke its transaction
}

// ErrRerun is what work returns, wrapped or not, to be undone and run again from the start, since a condition that it relied
// on no longer holds. After [RerunLimit] runs the caller gets a *fault.Error with code unavailable.
var ErrRerun = errors.New("database: run this work again")

// ErrUniqueViolation is what an engine's error of a statement is, besides the driver's own, where a key was already there.
var ErrUniqueViolation = errors.New("database: the key is already there")

// IsUniqueViolation reports whether err is the refusal of a row whose key is already there.
func IsUniqueViolation(err error) bool { return errors.Is(err, ErrUniqueViolation) }

// RerunLimit bounds the runs of a work that returns [ErrRerun]: a condition that fails this often is not a matter of luck.
const RerunLimit = 10

// RetryAfter is when to try again after most failures of a disk, and after too many reruns: what passes at all passes at once.
const RetryAfter = time.Second

// Exhausted is what the caller of a work learns that asked for one rerun too many; err is what the work returned.
func Exhausted(err error) error {
	return fault.Retryable(RetryAfter, "The same data keeps changing; try again.").Because(err)
}

// Read is [Store.Read] for a work with a value, which is the zero value where there is an error.
func Read[T any](ctx context.Context, s Store, work func(Tx) (T, error)) (T, error) {
	return valueOf(work, func(w func(Tx) error) error { return s.Read(ctx, w) })
}

// Write is [Store.Write] for a work with a value, which is the zero value where there is an error.
func Write[T any](ctx context.Context, s Store, work func(Tx) (T, error)) (T, error) {
	return valueOf(work, func(w func(Tx) error) error { return s.Write(ctx, w) })
}

func valueOf[T any](work func(Tx) (T, error), run func(func(Tx) error) error) (T, error) {
	var value, zero T
	err := run(func(tx Tx) (err error) {
		value, err = work(tx)
		return err
	})
	if err != nil {
		return zero, err
	}
	return value, nil
}

// Collect runs a query and gives what scan makes of each row, in their order; nil where there is none.
//
//	names, err := database.Collect(tx, database.Column[string], `SELECT name FROM users WHERE created_at > $1`, since)
func Collect[T any](tx Tx, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // an error of reading is Err's
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// Find runs a query that answers with one row at most, and gives what scan makes of it; found is false where there is none.
func Find[T any](tx Tx, scan func(Row) (T, error), query string, args ...any) (one T, found bool, err error) {
	one, err = scan(tx.QueryRow(query, args...))
	found, err = Found(err)
	return one, found, err
}

// Found tells an answer without a row from an error of the statement, by the error of [Row]'s Scan.
//
//	found, err := database.Found(tx.QueryRow(`SELECT name, email FROM users WHERE id = $1`, id).Scan(&name, &email))
func Found(err error) (found bool, other error) {
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Column scans a row of one column, for [Collect] and [Find].
func Column[T any](row Row) (value T, err error) {
	err = row.Scan(&value)
	return value, err
}

// ChangeOne runs a statement that changes one row on a condition which held when the work read it. Where it holds no
// longer, so that another number of rows is changed, the error is [ErrRerun].
func ChangeOne(tx Tx, query string, args ...any) error {
	changed, err := tx.Exec(query, args...)
	if err == nil && changed != 1 {
		return ErrRerun
	}
	return err
}

// Destinations is what an engine gives to its driver for the variables to scan into: a *time.Time gets the time in UTC
// of the stored milliseconds, and the zero time of NULL; everything else is left to the driver. It changes into.
func Destinations(into []any) []any {
	for i := range into {
		if t, ok := into[i].(*time.Time); ok {
			into[i] = milliseconds{t}
		}
	}
	return into
}

// milliseconds scans an integer column into a time.
type milliseconds struct{ into *time.Time }

// Scan implements [sql.Scanner].
func (m milliseconds) Scan(stored any) error {
	switch stored := stored.(type) {
	case int64:
		*m.into = time.UnixMilli(stored).UTC()
	case nil:
		*m.into = time.Time{}
	default:
		return fmt.Errorf("database: a time is stored as an integer, not as %T", stored)
	}
	return nil
}
