package sqlite_test

import (
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
)

// options names a database in a directory of its own that is not there yet.
func options(t testing.TB) sqlite.Options {
	t.Helper()
	return sqlite.Options{
		Path: filepath.Join(t.TempDir(), "data", "items.db"), Migrations: databasetest.Schema(), Log: slog.New(slog.NewTextHandler(&databasetest.Journal{}, nil)),
	}
}

// server opens a database for the length of the test.
func server(t testing.TB, o sqlite.Options) *sqlite.DB {
	t.Helper()
	d, err := sqlite.OpenServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// engine is SQLite as the suite needs it.
func engine() databasetest.Engine {
	return databasetest.Engine{
		Open: func(t testing.TB, migrations fs.FS, log *slog.Logger) databasetest.Database {
			o := options(t)
			o.Migrations, o.Log = migrations, log
			return server(t, o)
		},
		Queued: func(d databasetest.Database) int { return d.(*sqlite.DB).Queued() },
		Fill: func(item int) func(database.Tx) error {
			return func(tx database.Tx) error {
				_, _ = tx.Exec("PRAGMA max_page_count = 1") // as small as it is now
				_, _ = tx.Exec("INSERT INTO item (id, name) VALUES ($1, $2)", item, strings.Repeat("x", 1<<16))
				return nil
			}
		},
	}
}

func TestContract(t *testing.T) { databasetest.Run(t, engine()) }
