// Package databasetest opens real databases for tests, and holds the suite that every engine passes.
package databasetest

import (
	"path/filepath"
	"testing"

	"oms/migrations"
	"oms/platform/database/sqlite"
)

// Open opens a fresh database with the schema of a module. It is closed when the test ends.
func Open(t testing.TB, module string) *sqlite.DB {
	t.Helper()
	return OpenIn(t, module, t.TempDir())
}

// OpenIn opens the database of a module in a directory, as a server does. It is closed when the test ends.
func OpenIn(t testing.TB, module, directory string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.OpenServer(t.Context(), sqlite.Options{
		Path: filepath.Join(directory, module+".db"), Migrations: migrations.For(module),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
