package databasetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"oms/platform/database"
	"oms/platform/fault"
)

// A read sees one state throughout, whatever is written meanwhile, and the next one sees what was.
func readSeesASnapshot(t *testing.T, e Engine) {
	d := e.fresh(t)
	if err := d.Write(t.Context(), Insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	err := d.Read(t.Context(), func(tx database.Tx) error {
		for range 3 {
			var n int
			if err := tx.QueryRow("SELECT count(*) FROM item").Scan(&n); err != nil || n != 1 {
				return fmt.Errorf("%d items instead of 1: %w", n, err)
			}
			if err := d.Write(context.Background(), Insert(1+Count(t, d), "b")); err != nil { // from outside this read
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got := Count(t, d); got != 4 {
		t.Errorf("%d items instead of 4", got)
	}
}

// A reading work that writes is refused, and the connection stays as good as it was.
func readDoesNotWrite(t *testing.T, e Engine) {
	d := e.fresh(t)
	err := d.Read(t.Context(), Insert(1, "a"))
	if err == nil || fault.CodeOf(err) != fault.Internal {
		t.Errorf("got %v", err)
	}
	if got := Count(t, d); got != 0 {
		t.Errorf("%d items", got)
	}
}

// Errors, panics and reruns of a reading work.
func readReturnsTheWorksResult(t *testing.T, e Engine) {
	d := e.fresh(t)
	refusal := errors.New("refused")
	if err := d.Read(t.Context(), func(database.Tx) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
	if err := d.Read(t.Context(), func(database.Tx) error { panic("a defect") }); fault.CodeOf(err) != fault.Internal {
		t.Errorf("a panic gave %v", err)
	}
	runs := 0
	if err := d.Read(t.Context(), func(database.Tx) error { runs++; return database.ErrRerun }); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("after %d runs: %v", runs, err)
	}
}

// The context bounds the wait for a connection and stops a read between two statements.
func readsContext(t *testing.T, e Engine) {
	d := e.fresh(t)
	ended, cancel := context.WithCancel(context.Background())
	err := d.Read(ended, func(tx database.Tx) error {
		if err := tx.QueryRow("SELECT 1").Scan(new(int)); err != nil {
			return err
		}
		cancel()
		if err := tx.QueryRow("SELECT 1").Scan(new(int)); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("a statement after the end gave %w", err)
		}
		_, err := tx.Query("SELECT 1")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := d.Read(ended, func(database.Tx) error { t.Error("the work ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// A row that was no longer asked for says which end its context came to.
func readsRowAfterItsDeadline(t *testing.T, e Engine) {
	d := e.fresh(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err := d.Read(ctx, func(tx database.Tx) error {
		<-ctx.Done()
		return tx.QueryRow("SELECT 1").Scan(new(int))
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
