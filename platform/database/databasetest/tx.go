package databasetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"oms/platform/database"
)

// Statements are kept between works and may still be nested, left unread or numerous.
func statementsOfATransaction(t *testing.T, e Engine) {
	for name, do := range map[string]func(d Database, work func(database.Tx) error) error{
		"writing": func(d Database, work func(database.Tx) error) error { return d.Write(context.Background(), work) },
		"reading": func(d Database, work func(database.Tx) error) error { return d.Read(context.Background(), work) },
	} {
		t.Run(name, func(t *testing.T) {
			d := e.fresh(t)
			for id := range 5 {
				if err := d.Write(t.Context(), Insert(id, fmt.Sprint("item ", id))); err != nil {
					t.Fatal(err)
				}
			}
			for what, work := range map[string]func(database.Tx) error{
				"the same query inside itself":                   nested("SELECT id FROM item WHERE id >= $1 ORDER BY id", 0),
				"the same query inside itself, without argument": nested("SELECT id FROM item ORDER BY id"),
				"two rows before either is read": func(tx database.Tx) error {
					a, b := tx.QueryRow("SELECT name FROM item WHERE id = $1", 1), tx.QueryRow("SELECT name FROM item WHERE id = $1", 2)
					var first, second string
					if err := errors.Join(a.Scan(&first), b.Scan(&second)); err != nil {
						return err
					}
					if first != "item 1" || second != "item 2" {
						return fmt.Errorf("got %q and %q", first, second)
					}
					return nil
				},
				"rows left open": func(tx database.Tx) error {
					rows, err := tx.Query("SELECT id FROM item WHERE id >= $1", 0)
					if err == nil && !rows.Next() {
						err = errors.New("no rows")
					}
					return err
				},
				"a row left unread": func(tx database.Tx) error {
					tx.QueryRow("SELECT id FROM item WHERE id >= $1", 0)
					return nil
				},
				"no row": func(tx database.Tx) error {
					if err := tx.QueryRow("SELECT id FROM item WHERE id = $1", 99).Scan(new(int)); err != sql.ErrNoRows { //nolint:errorlint // the very error, not one that wraps it
						return fmt.Errorf("got %w", err)
					}
					return nil
				},
				"a mistake, and on": func(tx database.Tx) error {
					if _, err := tx.Query("SELECT nothing FROM nowhere WHERE id = $1", 1); err == nil {
						return errors.New("no error")
					}
					if err := tx.QueryRow("SELECT nothing FROM nowhere WHERE id = $1", 1).Scan(new(int)); err == nil {
						return errors.New("no error of the row")
					}
					return tx.QueryRow("SELECT id FROM item WHERE id = $1", 1).Scan(new(int))
				},
				"more texts than are kept": func(tx database.Tx) error {
					for i := range 600 {
						var got int
						if err := tx.QueryRow(fmt.Sprintf("SELECT %d + $1", i), 1).Scan(&got); err != nil || got != i+1 {
							return fmt.Errorf("text %d gives %d: %w", i, got, err)
						}
					}
					return nil
				},
			} {
				for round := range 3 { // each finds what the one before has left
					if err := do(d, work); err != nil {
						t.Errorf("%s, round %d: %v", what, round, err)
					}
				}
			}
			if s := d.Stats(); s.Abandoned != 0 {
				t.Errorf("%d abandoned transactions", s.Abandoned)
			}
		})
	}
}

// nested reads a query of five rows while it reads the same query.
func nested(query string, args ...any) func(database.Tx) error {
	return func(tx database.Tx) error {
		outer, err := tx.Query(query, args...)
		if err != nil {
			return err
		}
		defer outer.Close()
		seen := 0
		for outer.Next() {
			inner, err := tx.Query(query, args...)
			if err != nil {
				return err
			}
			for inner.Next() {
				seen++
			}
			if err := errors.Join(inner.Err(), inner.Close()); err != nil {
				return err
			}
		}
		if seen != 25 {
			return fmt.Errorf("saw %d rows instead of 25", seen)
		}
		return outer.Err()
	}
}

// A Tx that was kept does nothing.
func transactionEndsWithItsWork(t *testing.T, e Engine) {
	d := e.fresh(t)
	var kept database.Tx
	if err := d.Write(t.Context(), func(tx database.Tx) error { kept = tx; return Insert(1, "a")(tx) }); err != nil {
		t.Fatal(err)
	}
	if err := Insert(2, "b")(kept); err == nil {
		t.Error("a statement ran after the end")
	}
	if _, err := kept.Query("SELECT 1"); err == nil {
		t.Error("a query ran after the end")
	}
	if err := kept.QueryRow("SELECT 1").Scan(new(int)); err == nil {
		t.Error("a query of one row ran after the end")
	}
}

// Exec counts the rows it touched.
func execCountsRows(t *testing.T, e Engine) {
	d := e.fresh(t)
	if err := errors.Join(d.Write(t.Context(), Insert(1, "a")), d.Write(t.Context(), Insert(2, "a"))); err != nil {
		t.Fatal(err)
	}
	var renamed, none int64
	if err := d.Write(t.Context(), func(tx database.Tx) (err error) {
		if renamed, err = tx.Exec("UPDATE item SET name = $1", "b"); err != nil {
			return err
		}
		none, err = tx.Exec("UPDATE item SET name = $1 WHERE id = $2", "c", 99)
		return err
	}); err != nil || renamed != 2 || none != 0 {
		t.Errorf("renamed %d and %d rows: %v", renamed, none, err)
	}
}
