package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"runtime"

	"oms/platform/database"
)

// readerFloor is the least number of reading connections, so that one long report does not hold up everything else.
// More than there are processors gains nothing: reading SQLite is work of the processor.
const readerFloor = 4

// readers is a pool of reading connections; a free place may hold none yet, or none any more.
type readers struct {
	pool *sql.DB
	log  *slog.Logger
	free chan *session
}

func startReaders(pool *sql.DB, log *slog.Logger) *readers {
	places := max(readerFloor, runtime.NumCPU())
	r := &readers{pool: pool, log: log, free: make(chan *session, places)}
	for range places {
		r.free <- nil
	}
	return r
}

// read runs work on a snapshot.
func (r *readers) read(ctx context.Context, work func(database.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var on *session
	select {
	case on = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	sound := false // also where the work ends its goroutine (runtime.Goexit): its snapshot must not stay open
	defer func() {
		if on != nil && !sound {
			on.discard()
			on = nil
		}
		r.free <- on
	}()
	if on == nil {
		var err error
		if on, err = openSession(context.Background(), r.pool); err != nil {
			return unavailable(err)
		}
	}
	on.trim()
	var err, broken error
	for range database.RerunLimit {
		sound = false
		if err, broken = snapshot(ctx, on, work, r.log); broken != nil {
			return broken
		}
		sound = true
		if !errors.Is(err, database.ErrRerun) {
			return err
		}
	}
	return database.Exhausted(err)
}

// snapshot runs work in one reading transaction. broken: the connection is of no more use.
func snapshot(ctx context.Context, on *session, work func(database.Tx) error, log *slog.Logger) (err, broken error) {
	if _, err := on.exec("BEGIN"); err != nil {
		return nil, unavailable(err)
	}
	t := &tx{on: on, until: ctx, reader: true}
	if err, broken = run(t, work, log); broken != nil {
		return nil, broken
	}
	if _, failed := on.exec("ROLLBACK"); failed != nil {
		return nil, errors.Join(err, unavailable(failed))
	}
	return err, nil
}

// stop closes the connections. No read may be under way or follow.
func (r *readers) stop() {
	for range cap(r.free) {
		if on := <-r.free; on != nil {
			on.discard()
		}
	}
}
