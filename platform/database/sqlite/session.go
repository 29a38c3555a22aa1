package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
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

func (s *session) queryRow(query string, args ...any) *sql.Row {
	if len(args) > 0 {
		if stmt, err := s.prepared(query); err == nil && stmt != nil {
			if row := stmt.QueryRowContext(context.Background(), args...); !isMisuse(row.Err()) {
				return row
			}
		}
	}
	return s.conn.QueryRowContext(context.Background(), query, args...)
}

// noRow is a row that holds only an error, ctx's if it has one. Such a row can be had from database/sql alone: with a context that
// has ended, the statement does not run.
func (s *session) noRow(ctx context.Context, query string, args ...any) *sql.Row {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return s.conn.QueryRowContext(ended, query, args...)
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
