package databasetest

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"oms/platform/database"
)

// Times and bools are arguments and results as they are, and integers in the database.
func timesAndBools(t *testing.T, e Engine) {
	d := e.fresh(t)
	at := time.Date(2026, 7, 1, 12, 0, 0, 123_456_789, time.FixedZone("east", 2*60*60))
	args := []any{1, at}
	if err := d.Write(t.Context(), func(tx database.Tx) error {
		if _, err := tx.Exec("CREATE TABLE value (id INTEGER PRIMARY KEY, at BIGINT, yes INTEGER)"); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO value (id, at, yes) VALUES ($1, $2, 0)", args...)
		return errors.Join(err, database.ChangeOne(tx, "UPDATE value SET yes = $1 WHERE id = 1", true))
	}); err != nil {
		t.Fatal(err)
	}
	if args[1] != at {
		t.Error("the caller's arguments were changed")
	}
	if err := d.Read(t.Context(), func(tx database.Tx) error {
		for _, query := range []func() database.Row{
			func() database.Row {
				return tx.QueryRow("SELECT at, at, yes, yes FROM value WHERE at = $1 AND yes = $2", at, true)
			},
			func() database.Row {
				return first(tx.Query("SELECT at, at, yes, yes FROM value WHERE at = $1 AND yes = $2", at, true))
			},
		} {
			var stored, one int64
			var back time.Time
			var yes bool
			if err := query().Scan(&back, &stored, &yes, &one); err != nil {
				return err
			}
			if !back.Equal(at.Truncate(time.Millisecond)) || back.Location() != time.UTC || stored != at.UnixMilli() || !yes || one != 1 {
				t.Errorf("got %v (%d) and %v (%d)", back, stored, yes, one)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// first is the first row of several; the engine closes the rest when the work ends.
func first(rows database.Rows, err error) database.Row {
	if err != nil || !rows.Next() {
		return failing{errors.Join(err, sql.ErrNoRows)}
	}
	return rows
}

type failing struct{ error }

func (f failing) Scan(...any) error { return f.error }

// The time of NULL is the zero time, and a time is not made of a text.
func timeOfNull(t *testing.T, e Engine) {
	d := e.fresh(t)
	if err := d.Read(t.Context(), func(tx database.Tx) error {
		at := time.Now()
		if err := tx.QueryRow("SELECT NULL").Scan(&at); err != nil || !at.IsZero() {
			return fmt.Errorf("NULL gives %v: %w", at, err)
		}
		if err := tx.QueryRow("SELECT 'noon'").Scan(&at); err == nil {
			return errors.New("a text became a time")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Collect gives every row in its order, or the error that ended the reading.
func collect(t *testing.T, e Engine) {
	d := e.fresh(t)
	e.Together(t, d, Insert(3, "c"), Insert(1, "a"), Insert(2, "b"))
	if err := d.Read(t.Context(), func(tx database.Tx) error {
		names, err := database.Collect(tx, database.Column[string], "SELECT name FROM item WHERE id > $1 ORDER BY id", 1)
		if err != nil || !slices.Equal(names, []string{"b", "c"}) {
			t.Errorf("got %q, %v", names, err)
		}
		if names, err = database.Collect(tx, database.Column[string], "SELECT name FROM item WHERE id > $1", 9); err != nil || names != nil {
			t.Errorf("of no rows: %q, %v", names, err)
		}
		if _, err := database.Collect(tx, database.Column[int], "SELECT name FROM item"); err == nil {
			t.Error("a name became a number")
		}
		if _, err := database.Collect(tx, database.Column[int], "SELECT id FROM nowhere"); err == nil {
			t.Error("a table that is not there has rows")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Find tells a missing row from a failed statement.
func find(t *testing.T, e Engine) {
	d := e.fresh(t)
	e.Together(t, d, Insert(1, "a"))
	if err := d.Read(t.Context(), func(tx database.Tx) error {
		if name, found, err := database.Find(tx, database.Column[string], "SELECT name FROM item WHERE id = $1", 1); name != "a" || !found || err != nil {
			t.Errorf("got %q, %v, %v", name, found, err)
		}
		if name, found, err := database.Find(tx, database.Column[string], "SELECT name FROM item WHERE id = $1", 2); name != "" || found || err != nil {
			t.Errorf("of no row: %q, %v, %v", name, found, err)
		}
		if _, found, err := database.Find(tx, database.Column[string], "SELECT name FROM nowhere"); found || err == nil {
			t.Errorf("of no table: %v, %v", found, err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// ChangeOne runs the work again whose condition no longer holds.
func changeOne(t *testing.T, e Engine) {
	d := e.fresh(t)
	e.Together(t, d, Insert(1, "a"), Insert(2, "a"))
	if err := d.Write(t.Context(), func(tx database.Tx) error {
		if err := database.ChangeOne(tx, "UPDATE item SET name = $1 WHERE id = 1", "b"); err != nil {
			t.Errorf("one row: %v", err)
		}
		for _, where := range []string{"id = 9", "id > 0"} {
			if err := database.ChangeOne(tx, "UPDATE item SET name = $1 WHERE "+where, "c"); !errors.Is(err, database.ErrRerun) {
				t.Errorf("%s: %v", where, err)
			}
		}
		if err := database.ChangeOne(tx, "UPDATE nowhere SET name = $1", "c"); err == nil || errors.Is(err, database.ErrRerun) {
			t.Errorf("a table that is not there: %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// Read and Write hand out what the work returns, and nothing beside an error.
func valueOfAWork(t *testing.T, e Engine) {
	d := e.fresh(t)
	refusal := errors.New("refused")
	one := func(tx database.Tx) (int, error) { return database.Column[int](tx.QueryRow("SELECT 1")) }
	refused := func(database.Tx) (int, error) { return 1, refusal }
	for name, run := range map[string]func(func(database.Tx) (int, error)) (int, error){
		"reading": func(work func(database.Tx) (int, error)) (int, error) { return database.Read(t.Context(), d, work) },
		"writing": func(work func(database.Tx) (int, error)) (int, error) { return database.Write(t.Context(), d, work) },
	} {
		if got, err := run(one); got != 1 || err != nil {
			t.Errorf("%s gives %d, %v", name, got, err)
		}
		if got, err := run(refused); got != 0 || !errors.Is(err, refusal) {
			t.Errorf("%s with an error gives %d, %v", name, got, err)
		}
	}
}
