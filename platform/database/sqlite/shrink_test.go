package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
)

// sizeOf is the size of a database's file in bytes.
func sizeOf(t *testing.T, o sqlite.Options) int64 {
	t.Helper()
	info, err := os.Stat(o.Path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// fillAndEmpty stores 20 MiB and deletes them again, and gives the size of the file with them.
func fillAndEmpty(t *testing.T, o sqlite.Options, d *sqlite.DB) (full int64) {
	t.Helper()
	for id := range 200 {
		if err := d.Write(t.Context(), databasetest.Insert(id+1, strings.Repeat("x", 100<<10))); err != nil {
			t.Fatal(err)
		}
	}
	full = sizeOf(t, o)
	if err := d.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(`DELETE FROM item WHERE id > 1`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return full
}

// mustShrink waits until the file is small, which it becomes by itself.
func mustShrink(t *testing.T, o sqlite.Options, full int64) {
	t.Helper()
	const most = 3 << 20 // bytes: 1 MiB of free pages that are kept, the item that is left, and as much again
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for sizeOf(t, o) > most {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("%d bytes full, and still %d", full, sizeOf(t, o))
		}
	}
	t.Logf("%d bytes full, %d emptied", full, sizeOf(t, o))
}

func TestAnEmptiedDatabaseBecomesSmallWhileItServes(t *testing.T) {
	o := options(t)
	d := server(t, o)
	full := fillAndEmpty(t, o, d)
	if full < 10<<20 {
		t.Fatalf("only %d bytes were stored", full)
	}
	mustShrink(t, o, full)
	if got := databasetest.Count(t, d); got != 1 {
		t.Errorf("%d items instead of 1", got)
	}
}

// A database that was made before can give pages back too.
func TestADatabaseOfBeforeIsRewrittenOnce(t *testing.T) {
	o := options(t)
	journal := &databasetest.Journal{}
	o.Log = slog.New(slog.NewTextHandler(journal, nil))
	if err := server(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	old, err := sql.Open("sqlite", o.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"PRAGMA journal_mode = delete", "PRAGMA auto_vacuum = none", "VACUUM"} { // as it was
		if _, err := old.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	d := server(t, o)
	mustShrink(t, o, fillAndEmpty(t, o, d))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got := databasetest.Count(t, server(t, o)); got != 1 {
		t.Errorf("%d items instead of 1", got)
	}
	if told := journal.String(); strings.Count(told, "is rewritten once") != 1 {
		t.Errorf("the log of three starts: %s", told)
	}
}
