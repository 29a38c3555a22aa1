// Package database opens a module's own database and runs work in it.
//
// It promises:
//   - Write is all or nothing, one at a time in an order that every reader sees, and returns nil only when the commit is on disk.
//   - Many callers' works share one commit, so that concurrent writers share the cost of a disk flush, without waiting for each other on purpose.
//   - An error of one work undoes that work alone. A failing disk fails every work it might have touched, and the next write tries
//     afresh: when the disk is well again, so is the database, without a restart.
//   - Read sees one consistent state and never waits for a writer.
//   - Files are readable by their owner only, one process serves them at a time, and the schema is the one that this program knows.
//
// It does not build SQL or hide the database: statements are SQL with $1 placeholders, a query's rows are scanned.
// Transactions do not nest and never span two databases. SQLite is the only engine so far; what belongs to it alone is in
// sqlite.go, session.go and migrate.go.
package database

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
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

// Store is a module's own database. It is safe for concurrent use. [DB] implements it; tests wrap it to inject faults.
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
}

// ErrRerun is what work returns, wrapped or not, to be undone and run again from the start, since a condition that it relied
// on no longer holds. After ten runs the caller gets a *fault.Error with code unavailable.
var ErrRerun = errors.New("database: run this work again")

// ErrUniqueViolation is what an engine's error of a statement is, besides the driver's own, where a key was already there.
var ErrUniqueViolation = errors.New("database: the key is already there")

// IsUniqueViolation reports whether err is the refusal of a row whose key is already there.
func IsUniqueViolation(err error) bool { return errors.Is(err, ErrUniqueViolation) }

// Options says which database to open.
type Options struct {
	// Path is the database file. Beside it lie Path-wal and Path-shm while it is in use, and Path.lock.
	Path string
	// Migrations holds the NNNN_name.sql files, in goose's format, at its root.
	Migrations fs.FS
	// Log gets what a caller is not told: stacks of panics, the disk's failure and its recovery. Nil logs nothing.
	Log *slog.Logger
}

// log is where to log, never nil.
func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log.With("database", o.Path)
}
