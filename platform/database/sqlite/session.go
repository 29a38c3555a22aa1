package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"oms/platform/database"
)

// statementLimit bounds the prepared statements that a connection keeps. A module has some dozens of texts; only texts that
// are put together at run time, such as lists of placeholders, could exceed it, at a few KiB each.
const statementLimit = 256

// session is one connection with its prepared statements. It serves one goroutine at a time.
//
// Preparing costs more than running most statements here, and the driver prepares anew each time unless told otherwise.
type session struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// openSession takes a connection of its own from the pool.
func openSession(ctx context.Context, pool *sql.DB) (*session, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

// discard undoes the transaction that may still be open, and closes the connection.
func (s *session) discard() {
	_, _ = s.exec("ROLLBACK") // an error says that there was none any more
	s.forget()
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // the pool keeps no connection that calls itself bad
	_ = s.conn.Close()
}

// forget closes all statements. Only between works: a closed statement takes its open rows with it. Before the connection is
// closed it is a must: database/sql leaves them to their owner, and SQLite keeps a connection, with its locks, as long as one of its
// statements exists.
func (s *session) forget() {
	for _, stmt := range s.stmts {
		_ = stmt.Close()
	}
	clear(s.stmts)
}

// trim forgets the statements once there are too many. Only between works.
func (s *session) trim() {
	if len(s.stmts) >= statementLimit {
		s.forget()
	}
}

// prepared is the kept statement for a text; nil for one that has to run without being kept.
func (s *session) prepared(query string) (*sql.Stmt, error) {
	if stmt, kept := s.stmts[query]; kept {
		return stmt, nil
	}
	if len(s.stmts) >= statementLimit {
		return nil, nil
	}
	stmt, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = stmt
	return stmt, nil
}

// A kept statement whose rows are still being read cannot run a second time. SQLite says so (misuse) when arguments are
// bound to it, and the statement then runs unkept. Without arguments nothing is bound and SQLite would silently go on with the
// rows of the first, so queries without arguments are never kept. Exec leaves no rows open.

func (s *session) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := s.prepared(query)
	if err != nil {
		return nil, err
	}
	if stmt != nil {
		if result, err := stmt.ExecContext(context.Background(), args...); !isMisuse(err) {
			return result, err
		}
	}
	return s.conn.ExecContext(context.Background(), query, args...)
}

func (s *session) query(query string, args ...any) (*sql.Rows, error) {
	if len(args) > 0 {
		stmt, err := s.prepared(query)
		if err != nil {
			return nil, err
		}
		if stmt != nil {
			if rows, err := stmt.QueryContext(context.Background(), args...); !isMisuse(err) {
				return rows, err
			}
		}
	}
	return s.conn.QueryContext(context.Background(), query, args...)
}

// inTransaction reports whether the transaction that was begun still is one: SQLite ends it by itself on some failures, and
// whatever ran after that would commit alone. BEGIN inside a transaction is an error and changes nothing.
func (s *session) inTransaction() bool {
	if _, err := s.exec("BEGIN"); err != nil {
		return true
	}
	_, _ = s.exec("ROLLBACK")
	return false
}

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
	rows, err := t.Query(query, args...)
	return firstRow{rows, err}
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
	for _, rows := range t.rows {
		_ = rows.Close()
		if err := rows.Err(); err != nil {
			_ = t.failed(err)
		}
	}
	t.rows = nil
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

// firstRow is the first row of an answer, read and closed as [sql.Row] does it.
type firstRow struct {
	rows database.Rows
	err  error
}

func (r firstRow) Scan(into ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		return cmp.Or(r.rows.Err(), sql.ErrNoRows)
	}
	if err := r.rows.Scan(into...); err != nil {
		return err
	}
	return r.rows.Close()
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
