package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"oms/platform/database"
	"oms/platform/fault"
)

// role says what a connection is for.
type role int

const (
	writing role = iota // the writer's
	reading             // a reader's: it changes nothing
	setting             // makes the file what the others expect
)

// pragmas are the settings of a role's connections, in the order in which they take effect.
func (r role) pragmas() []string {
	common := []string{
		"foreign_keys(1)",
		"trusted_schema(0)", // the file's schema may not call functions with effects
		"synchronous(full)", // a commit is flushed to disk before it returns
		"temp_store(memory)",
		// A log that one large batch has blown up shrinks back to 64 MiB, sixteen times its usual size.
		"journal_size_limit(67108864)",
	}
	switch r {
	case writing:
		// The writer waits by itself, see busyPause: SQLite backs off to 100 ms and starves beside a busy writer.
		return append([]string{"busy_timeout(0)"}, common...)
	case setting:
		// A command may be writing: 5 s is far longer than any write takes.
		// How pages are given back is settled before the first of them is written, which the log's mode does.
		return append([]string{"busy_timeout(5000)", "auto_vacuum(incremental)", "journal_mode(wal)"}, common...)
	default:
		// A reader waits only while another process recovers or removes the write-ahead log, which is rare and short.
		return append([]string{"busy_timeout(5000)", "query_only(1)"}, common...)
	}
}

// openPool prepares connections to the database file; it opens none yet, and never creates the file.
func openPool(o Options, r role) (*sql.DB, error) {
	absolute, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Path, err)
	}
	pragmas := r.pragmas()
	if o.Erase {
		pragmas = append(pragmas, "secure_delete(1)")
	}
	parameters := url.Values{
		"mode":       {"rw"},        // a missing file is an error
		"_txlock":    {"immediate"}, // of transactions that database/sql begins: goose's
		"_dqs":       {"0"},         // "x" is a column, never a string
		"_defensive": {"1"},         // no statement can damage the file
		"_error_rc":  {"1"},         // messages belong to their error
		"_pragma":    pragmas,
		// A time is stored as package database has it; a bool is 1 or 0 anyway.
		"_time_integer_format": {"unix_milli"},
	}
	file := url.URL{Scheme: "file", Path: absolute, RawQuery: parameters.Encode()}
	connector, err := driver.NewConnector(file.String())
	if err != nil {
		return nil, fmt.Errorf("prepare connections to %s: %w", o.Path, err)
	}
	return sql.OpenDB(connector), nil
}

// codeOf is the extended result code of an SQLite error, and 0 for any other error.
func codeOf(err error) int {
	if failure, ok := errors.AsType[*driver.Error](err); ok {
		return failure.Code()
	}
	return 0
}

// isKind reports whether err is an SQLite error of one of the kinds, which extended result codes refine in their higher bytes.
func isKind(err error, kinds ...int) bool { return slices.Contains(kinds, codeOf(err)&0xff) }

// isUnique reports the refusal of a row whose key is already there.
func isUnique(err error) bool {
	return slices.Contains([]int{sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID}, codeOf(err))
}

// isBusy reports that another process holds the write lock.
func isBusy(err error) bool { return isKind(err, sqlite3.SQLITE_BUSY) }

// isFull reports that the disk, or the file's own limit, has no room.
func isFull(err error) bool { return isKind(err, sqlite3.SQLITE_FULL) }

// isDamaged reports that the file is not a database, or no longer a sound one.
func isDamaged(err error) bool { return isKind(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) }

// isMisuse reports that SQLite refused the use of a statement that is still being read.
func isMisuse(err error) bool { return isKind(err, sqlite3.SQLITE_MISUSE) }

// isStorage reports a failure that is not the statement's: the disk, the file or memory. SQLite may have undone the whole
// transaction because of it (https://www.sqlite.org/lang_transaction.html, 3), and no later statement can be trusted.
func isStorage(err error) bool {
	return isKind(err, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT)
}

// isQueryOnly reports the refusal of a writing statement on a reader's connection: the statement's mistake, not the disk's.
func isQueryOnly(err error) bool { return codeOf(err) == sqlite3.SQLITE_READONLY }

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
	if isStorage(err) {
		return cause(path, err)
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
