package sqlite

import (
	"context"
	"database/sql"
	"strconv"
	"time"
)

const (
	// shrinkInterval is how often the writer looks whether there are pages to give back.
	shrinkInterval = time.Second
	// shrinkStep is how many pages are given back at once: 1 MiB, a few milliseconds in which a work may wait.
	shrinkStep = 256
	// keptFree is how many free pages stay for what is written next: 1 MiB.
	keptFree = 256
)

// incremental is the auto_vacuum of a database that can give pages back (https://www.sqlite.org/pragma.html#pragma_auto_vacuum).
const incremental = 2

// makeShrinkable rewrites a database that was made before databases could give pages back, once. Where that is not possible, for
// want of room or since a command is reading, the database serves as it is, and the next start tries again.
func makeShrinkable(ctx context.Context, o Options, pool *sql.DB) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return unusable(o.Path, err)
	}
	defer func() { _ = conn.Close() }()
	var mode, pages int64
	if err := conn.QueryRowContext(ctx, "SELECT auto_vacuum, page_count FROM pragma_auto_vacuum, pragma_page_count").Scan(&mode, &pages); err != nil {
		return unusable(o.Path, err)
	}
	if mode == incremental || pages == 0 {
		return nil
	}
	o.log().Info("the database is rewritten once, so that it can become smaller", "pages", pages)
	// The copy that this makes on the way would not fit into memory.
	_, err = conn.ExecContext(ctx, "PRAGMA temp_store = file; PRAGMA auto_vacuum = incremental; VACUUM; PRAGMA temp_store = memory")
	if err != nil {
		o.log().Warn("the database cannot be rewritten and does not become smaller; the next start tries again", "error", oneLine(err))
	}
	return ctx.Err()
}

// giveBack gives free pages back to the disk while no work waits. What fails is left to the next time: another process may
// be writing.
func (w *writer) giveBack() {
	shrunk := false
	for len(w.queue) == 0 {
		free, err := w.shrinkBy(shrinkStep)
		if err != nil {
			if w.on != nil {
				w.on.discard()
				w.on = nil
			}
			return
		}
		if free <= keptFree {
			break
		}
		shrunk = true
	}
	if shrunk { // the file is cut when the log is written back
		_ = w.drain("PRAGMA wal_checkpoint(PASSIVE)")
	}
}

// shrinkBy gives back some of the free pages above those that are kept, and says how many were free before.
func (w *writer) shrinkBy(pages int64) (free int64, err error) {
	if w.on == nil {
		if w.on, err = openSession(context.Background(), w.pool); err != nil {
			return 0, err
		}
	}
	if err := w.on.conn.QueryRowContext(context.Background(), "PRAGMA freelist_count").Scan(&free); err != nil || free <= keptFree {
		return free, err
	}
	return free, w.drain("PRAGMA incremental_vacuum(" + strconv.FormatInt(min(pages, free-keptFree), 10) + ")")
}

// drain runs a statement to its end.
func (w *writer) drain(query string) error {
	rows, err := w.on.query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // each step does a part of it
	}
	return rows.Err()
}
