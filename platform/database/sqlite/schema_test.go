package sqlite_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
)

// A schema is brought up to date by a server or by MigrateUp, and by nobody else; a newer one is refused by all.
func TestVersionsOfTheSchema(t *testing.T) {
	first := options(t)
	second := first
	second.Migrations = fstest.MapFS{
		"0001_item.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n")},
		"0002_price.sql": {Data: []byte("-- +goose Up\nALTER TABLE item ADD COLUMN price INTEGER NOT NULL DEFAULT 0;\n")},
	}
	status := func(o sqlite.Options, want string) {
		t.Helper()
		s, err := sqlite.MigrationStatus(t.Context(), o)
		if got := fmt.Sprintf("%d of %d %v", s.Current, s.Latest, s.Pending); err != nil || got != want {
			t.Errorf("status %s, want %s (%v)", got, want, err)
		}
	}

	status(second, "0 of 2 [0001_item.sql 0002_price.sql]")
	_, err := sqlite.OpenBeside(t.Context(), first)
	complains(t, err, first.Path, "no database", "app serve", "app migrate up")
	if _, err := os.Stat(filepath.Dir(first.Path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking has made something: %v", err)
	}

	if s, err := sqlite.MigrateUp(t.Context(), first); err != nil || s.Current != 1 || len(s.Pending) != 0 {
		t.Errorf("after MigrateUp: %+v %v", s, err)
	}
	status(first, "1 of 1 []")
	status(second, "1 of 2 [0002_price.sql]")
	_, err = sqlite.OpenBeside(t.Context(), second)
	complains(t, err, first.Path, "version 1", "needs 2", "app migrate up")

	if err := server(t, second).Close(); err != nil {
		t.Fatal(err)
	}
	status(second, "2 of 2 []")
	for name, open := range map[string]func() error{
		"beside": func() error { _, err := sqlite.OpenBeside(t.Context(), first); return err },
		"server": func() error { _, err := sqlite.OpenServer(t.Context(), first); return err },
		"up":     func() error { _, err := sqlite.MigrateUp(t.Context(), first); return err },
	} {
		t.Run(name, func(t *testing.T) { complains(t, open(), first.Path, "version 2", "knows only 1", "newer program") })
	}
}

// A migration that fails changes nothing, says which file it was, and can be repeated once it is right.
func TestFailedMigration(t *testing.T) {
	o := options(t)
	broken := o
	broken.Migrations = fstest.MapFS{"0001_item.sql": {Data: []byte("-- +goose Up\nCREATE TABLE item (id INTEGER PRIMARY KEY,\n name TEXT NOT NULL) STRICT;\nINSERT INTO nowhere\n VALUES (1);\n")}}
	_, err := sqlite.OpenServer(t.Context(), broken)
	complains(t, err, o.Path, "0001_item.sql", "nowhere")
	if got := databasetest.Count(t, server(t, o)); got != 0 {
		t.Errorf("%d items", got)
	}
}

// A program without migrations does not start on a database without a schema.
func TestNoMigrations(t *testing.T) {
	o := options(t)
	o.Migrations = fstest.MapFS{}
	_, err := sqlite.OpenServer(t.Context(), o)
	complains(t, err, o.Path, "no migrations")
}
