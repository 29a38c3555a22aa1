package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"hash/crc32"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
)

// applicationID is what a database says of whose it is (PRAGMA application_id): a number of 32 bits, not 0.
func applicationID(owner string) int32 {
	return int32(crc32.ChecksumIEEE([]byte("oms "+owner)) | 1) // #nosec G115 -- its bits, with a sign
}

// checkOwner refuses a database of somebody else: migrations would be applied to tables that they do not know. One that does
// not say whose it is, of an earlier version, is known by its tables.
func checkOwner(ctx context.Context, o Options, pool *sql.DB) error {
	if o.Owner == "" {
		return nil
	}
	var id int32
	if err := pool.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return unusable(o.Path, err)
	}
	strange := id != applicationID(o.Owner)
	if id == 0 {
		var err error
		if strange, err = hasOtherTables(ctx, o, pool); err != nil {
			return err
		}
	}
	if strange {
		return fmt.Errorf("%s is not the database of %s but another one: put that of %s in its place, from where it was or from a backup, or move it away to begin anew with an empty one", o.Path, o.Owner, o.Owner)
	}
	return nil
}

// setOwner has the database say whose it is.
func setOwner(ctx context.Context, o Options, pool *sql.DB) error {
	if o.Owner == "" {
		return nil
	}
	var id int32
	if err := pool.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return unusable(o.Path, err)
	}
	if id != 0 {
		return nil
	}
	if _, err := pool.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID(o.Owner))); err != nil {
		return unusable(o.Path, err)
	}
	return nil
}

// tableNames finds what a migration makes.
var tableNames = regexp.MustCompile(`(?i)(?:CREATE TABLE(?: IF NOT EXISTS)?|RENAME TO)\s+"?(\w+)`)

// hasOtherTables reports whether there is a table that no migration makes.
func hasOtherTables(ctx context.Context, o Options, pool *sql.DB) (bool, error) {
	ours := map[string]bool{goose.DefaultTablename: true}
	names, err := fs.Glob(o.Migrations, "*.sql")
	if err != nil {
		return false, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(o.Migrations, name)
		if err != nil {
			return false, err
		}
		for _, match := range tableNames.FindAllSubmatch(text, -1) {
			ours[string(match[1])] = true
		}
	}
	rows, err := pool.QueryContext(ctx, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
	if err != nil {
		return false, unusable(o.Path, err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return false, unusable(o.Path, err)
		}
		if !ours[name] {
			return true, nil
		}
	}
	return false, rows.Err()
}
