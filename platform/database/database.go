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

import "context"

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
