package migrations_test

import (
	"os"
	"path/filepath"
	"testing"

	"oms/migrations"
	"oms/platform/database/sqlite"
)

// The migrations of every module apply to an empty database, and a second time there is nothing left to do.
func TestMigrationsApply(t *testing.T) {
	directories, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	for _, directory := range directories {
		module := directory.Name()
		if !directory.IsDir() {
			continue
		}
		applied++
		t.Run(module, func(t *testing.T) {
			o := sqlite.Options{Path: filepath.Join(t.TempDir(), module+".db"), Migrations: migrations.For(module)}
			for range 2 {
				s, err := sqlite.MigrateUp(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if s.Current == 0 || s.Current != s.Latest || len(s.Pending) != 0 {
					t.Errorf("the status is %+v", s)
				}
			}
		})
	}
	if applied < 3 {
		t.Errorf("the migrations of %d modules were applied", applied)
	}
}

// A module without migrations is refused by name, not served without a schema.
func TestUnknownModuleHasNoMigrations(t *testing.T) {
	for _, module := range []string{"nothing", "../order", ""} {
		o := sqlite.Options{Path: filepath.Join(t.TempDir(), "data.db"), Migrations: migrations.For(module)}
		if d, err := sqlite.OpenServer(t.Context(), o); err == nil {
			t.Errorf("%q was opened", module)
			_ = d.Close()
		}
	}
}
