package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/observe"
)

// DatabaseOptions says where a module's database is and what its schema is.
func DatabaseOptions(c Config, module string, log *slog.Logger) sqlite.Options {
	return sqlite.Options{Path: filepath.Join(c.DataDir, module+".db"), Migrations: c.module(module).Migrations, Log: log}
}

// openDatabases opens the database of every hosted module that has one.
func (s *System) openDatabases(ctx context.Context) error {
	for _, module := range s.config.Stateful() {
		db, err := sqlite.OpenServer(ctx, DatabaseOptions(s.config, module, s.log))
		if err != nil {
			return fmt.Errorf("module %s: %w", module, err)
		}
		s.databases = append(s.databases, db)
		s.stores[module] = db
		s.checks = append(s.checks, observe.Check{Name: module + " database", Ready: func(ctx context.Context) error {
			return db.Read(ctx, func(tx database.Tx) error { // what takes no time, and asks nobody else
				var one int
				return tx.QueryRow(`SELECT 1`).Scan(&one)
			})
		}})
	}
	return nil
}

// close closes the databases. What was queued is committed first.
func (s *System) close() error {
	var problems []error
	for _, db := range s.databases {
		problems = append(problems, db.Close())
	}
	return errors.Join(problems...)
}
