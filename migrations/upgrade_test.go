package migrations_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"oms/migrations"
	"oms/platform/database"
	"oms/platform/database/sqlite"
)

// upTo are the first migrations of a module: those that an earlier version had.
func upTo(t *testing.T, module string, last string) fs.FS {
	t.Helper()
	all := migrations.For(module)
	names, err := fs.Glob(all, "*.sql")
	if err != nil || !slices.Contains(names, last) {
		t.Fatalf("there is no %s: %v", last, err)
	}
	earlier := fstest.MapFS{}
	for _, name := range names {
		text, err := fs.ReadFile(all, name)
		if err != nil {
			t.Fatal(err)
		}
		if name <= last {
			earlier[name] = &fstest.MapFile{Data: text}
		}
	}
	return earlier
}

// upgrade makes a database as an earlier version had it, with the given rows, and gives what the queries answer after all
// later migrations.
func upgrade(t *testing.T, module, last string, statements, queries []string) (answers []string) {
	t.Helper()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), module+".db"), Migrations: upTo(t, module, last)}
	use := func(work func(tx database.Tx) error) {
		t.Helper()
		d, err := sqlite.OpenServer(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Write(t.Context(), work); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	use(func(tx database.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
	o.Migrations = migrations.For(module)
	use(func(tx database.Tx) error {
		for _, query := range queries {
			found, err := database.Collect(tx, database.Column[string], query)
			if err != nil {
				return err
			}
			answers = append(answers, found...)
		}
		return nil
	})
	return answers
}

// What was refused is no order any more, and what names it finds the refusal; owners are counted.
func TestOrdersOfAnEarlierVersionAreKept(t *testing.T) {
	const order = `INSERT INTO orders (key, id, owner, status, version, revision, name, items, digest, repeatable, deadline, refusal, created_at, updated_at) VALUES `
	got := upgrade(t, "order", "0002_idempotency.sql", []string{
		order + `('k1', '1', 'alice', 'confirmed', 2, 1, 'x', '[]', 'd', 1, 0, '', 1, 2)`,
		order + `('k2', '2', 'alice', 'pending', 1, 1, 'x', '[]', 'd', 1, 0, '', 1, 2)`,
		order + `('k3', '3', 'alice', 'rejected', 2, 1, 'x', '[]', 'd', 1, 0, '[{"line":0,"unknown":true}]', 1, 7)`,
		order + `('k4', '4', 'bob', 'cancelled', 3, 1, 'x', '[]', 'd', 1, 0, '', 1, 2)`,
		`INSERT INTO events (order_key, version, at, kind, by_subject, detail) VALUES ('k1', 1, 1, 'placed', 'alice', ''), ('k3', 1, 1, 'placed', 'alice', ''), ('k3', 2, 1, 'rejected', 'alice', '')`,
		`INSERT INTO idempotency (owner, key, digest, order_key, created_at) VALUES ('alice', 'i', 'd', 'k3', 1)`,
	}, []string{
		`SELECT key || ' ' || status FROM orders ORDER BY key`,
		`SELECT order_key || ' ' || kind FROM events`,
		`SELECT key || ' ' || owner || ' ' || problems || ' ' || at FROM refusals`,
		`SELECT owner || ' ' || key || ' ' || order_key FROM idempotency`,
		`SELECT owner || ' ' || live FROM owners`,
	})
	want := []string{"k1 confirmed", "k2 pending", "k4 cancelled", "k1 placed", `k3 alice [{"line":0,"unknown":true}] 7`, "alice i k3", "alice 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)", diff)
	}
}

// For whom stock was reserved, order had only told.
func TestMovementsOfAnEarlierVersionAreKept(t *testing.T) {
	const movement = `INSERT INTO movements (id, at, category, code, kind, on_hand, reserved, reservation, revision, by_subject, reason) VALUES `
	got := upgrade(t, "inventory", "0001_inventory.sql", []string{
		`INSERT INTO products (category, code, name, amount, currency, opening, on_hand, reserved) VALUES ('c', 'a', 'x', 1, 'USD', 5, 6, 2)`,
		`INSERT INTO reservations (key, revision, state, updated_at) VALUES ('k', 1, 'live', 1)`,
		`INSERT INTO reservation_lines (key, category, code, quantity) VALUES ('k', 'c', 'a', 2)`,
		movement + `('1', 1, 'c', 'a', 'adjust', 1, 0, '', 0, 'admin', 'found')`,
		movement + `('2', 1, 'c', 'a', 'reserve', 0, 2, 'k', 1, 'alice', '')`,
	}, []string{
		`SELECT id || ' by "' || by_subject || '" through ' || by_caller || ', told "' || told_subject || '"' FROM movements ORDER BY id`,
		`SELECT key || ' ' || owner || quantity FROM reservation_lines`,
	})
	want := []string{`1 by "admin" through gateway, told ""`, `2 by "" through order, told "alice"`, "k 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)", diff)
	}
}
