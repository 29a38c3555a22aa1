package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"oms/platform/database"

	"github.com/pressly/goose/v3"
)

// MigrationStatus tells the schema's version. It changes nothing and creates nothing; a missing file is at version 0.
// It may run beside a server.
func MigrationStatus(ctx context.Context, o Options) (database.Status, error) {
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return compare(o, 0)
	}
	pool, err := openPool(o, reading)
	if err != nil {
		return database.Status{}, err
	}
	defer pool.Close()
	return status(ctx, o, pool)
}

// MigrateUp creates the database if it is missing and brings its schema to the latest version. It takes the lock of
// [OpenServer]: a schema never changes under a running server, which migrates by itself when it starts.
func MigrateUp(ctx context.Context, o Options) (database.Status, error) {
	held, err := prepare(ctx, o)
	if err != nil {
		return database.Status{}, err
	}
	defer held.Close()
	return MigrationStatus(ctx, o)
}

// prepare takes the lock, makes what is missing and migrates. The lock is the caller's to release.
func prepare(ctx context.Context, o Options) (held *os.File, err error) {
	if err := makeDirectory(o.Path); err != nil {
		return nil, err
	}
	held, err = lock(o.Path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = held.Close()
		}
	}()
	if err := makeFile(o.Path); err != nil {
		return nil, err
	}
	if err := tighten(o.Path); err != nil {
		return nil, err
	}
	pool, err := openPool(o, setting)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := makeShrinkable(ctx, o, pool); err != nil {
		return held, err
	}
	if err := migrate(ctx, o, pool); err != nil {
		return held, err
	}
	return held, setOwner(ctx, o, pool)
}

// migrate brings the schema to the latest version.
func migrate(ctx context.Context, o Options, pool *sql.DB) error {
	before, err := status(ctx, o, pool)
	if err != nil {
		return err
	}
	if before.Current > before.Latest {
		return tooNew(o, before)
	}
	if len(before.Pending) == 0 {
		return nil
	}
	// Its own log lines are off unless asked for, but it prints to standard output where it has no logger.
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, o.Migrations, goose.WithDisableGlobalRegistry(true), goose.WithSlog(o.log()))
	if err != nil {
		return fmt.Errorf("read the migrations of %s: %w", o.Path, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		name := "the schema"
		if partial, ok := errors.AsType[*goose.PartialError](err); ok {
			name = partial.Failed.Source.Path
		}
		return fmt.Errorf("apply %s to %s: %w", name, o.Path, cause(o.Path, err))
	}
	o.log().Info("the schema was migrated", "from", before.Current, "to", before.Latest)
	return nil
}

// status reads the version of an existing database.
func status(ctx context.Context, o Options, pool *sql.DB) (database.Status, error) {
	var tables int
	err := pool.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1", goose.DefaultTablename).Scan(&tables)
	if err != nil {
		return database.Status{}, unusable(o.Path, err)
	}
	if err := checkOwner(ctx, o, pool); err != nil {
		return database.Status{}, err
	}
	var current sql.NullInt64
	if tables > 0 {
		if err := pool.QueryRowContext(ctx, "SELECT max(version_id) FROM "+goose.DefaultTablename).Scan(&current); err != nil {
			return database.Status{}, unusable(o.Path, err)
		}
	}
	return compare(o, current.Int64)
}

// compare sets a database's version beside the migrations that this program carries.
func compare(o Options, current int64) (database.Status, error) {
	names, err := fs.Glob(o.Migrations, "*.sql")
	if err != nil {
		return database.Status{}, err
	}
	s := database.Status{Current: current}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return database.Status{}, fmt.Errorf("migration %s: %w", name, err)
		}
		s.Latest = max(s.Latest, version)
		if version > current {
			s.Pending = append(s.Pending, name)
		}
	}
	if s.Latest == 0 {
		return database.Status{}, fmt.Errorf("this program carries no migrations for %s", o.Path)
	}
	return s, nil
}
