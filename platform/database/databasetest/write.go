package databasetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"

	"oms/platform/database"
	"oms/platform/fault"
)

// Concurrent writers share commits.
func writersShareCommits(t *testing.T, e Engine) {
	d := e.fresh(t)
	const writers, each = 64, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := d.Write(t.Context(), Insert(w*each+i, "x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s := d.Stats()
	t.Logf("%d works in %d commits, %.1f a commit", s.Works, s.Commits, float64(s.Works)/float64(s.Commits))
	if s.Works != writers*each || Count(t, d) != writers*each {
		t.Fatalf("of %d works %d were counted and %d stored", writers*each, s.Works, Count(t, d))
	}
	if s.Commits*4 > s.Works {
		t.Errorf("fewer than 4 works a commit with %d writers", writers)
	}
}

// What fails, in whatever way, is undone alone; its neighbours in the batch are stored by the same commit.
func worksOfOneBatchAreIsolated(t *testing.T, e Engine) {
	log := &Journal{}
	d := e.Open(t, Schema(), slog.New(slog.NewTextHandler(log, nil)))
	refusal := errors.New("out of stock")
	runs := 0
	results := e.Together(t, d,
		Insert(1, "a"),
		func(tx database.Tx) error { // changes something, then refuses
			if err := Insert(2, "b")(tx); err != nil {
				return err
			}
			return refusal
		},
		Insert(1, "again"), // collides with its neighbour
		func(tx database.Tx) error { // sees the collision and goes on
			if err := Insert(1, "again")(tx); !database.IsUniqueViolation(err) {
				return fmt.Errorf("the collision is %w", err)
			}
			return Insert(4, "d")(tx)
		},
		func(tx database.Tx) error { // panics
			_ = Insert(5, "e")(tx)
			panic("a defect")
		},
		func(tx database.Tx) error { // asks to be run again, twice
			runs++
			if err := Insert(60+runs, "f")(tx); err != nil || runs == 3 {
				return err
			}
			return fmt.Errorf("the version has moved: %w", database.ErrRerun)
		},
		func(tx database.Tx) error { // never content
			_ = Insert(7, "g")(tx)
			return database.ErrRerun
		},
		Insert(8, "h"),
	)
	for i, want := range []func(error) bool{
		isNil,
		func(err error) bool { return err == refusal }, //nolint:errorlint // the very error, not one that wraps it
		database.IsUniqueViolation,
		isNil,
		func(err error) bool { return err != nil && fault.CodeOf(err) == fault.Internal },
		isNil,
		func(err error) bool {
			return fault.CodeOf(err) == fault.Unavailable && errors.Is(err, database.ErrRerun)
		},
		isNil,
	} {
		if !want(results[i]) {
			t.Errorf("work %d got %v", i, results[i])
		}
	}
	if got, want := fmt.Sprint(IDs(t, d)), "map[1:true 4:true 8:true 63:true]"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
	if s := d.Stats(); s.Commits != 1 || s.Abandoned != 0 {
		t.Errorf("not one commit: %+v", s)
	}
	if told := log.String(); !strings.Contains(told, "a defect") || !strings.Contains(told, "write.go") {
		t.Errorf("the log lacks the panic or its stack: %s", told)
	}
}

func isNil(err error) bool { return err == nil }

// A constraint that is checked at the commit names no work; each still learns its own result.
func deferredConstraintFailsItsWorkAlone(t *testing.T, e Engine) {
	d := e.fresh(t)
	if err := d.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec("CREATE TABLE part (item INTEGER NOT NULL REFERENCES item DEFERRABLE INITIALLY DEFERRED)")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	orphan := func(tx database.Tx) error { _, err := tx.Exec("INSERT INTO part (item) VALUES (77)"); return err }
	results := e.Together(t, d, Insert(1, "a"), orphan, Insert(2, "b"))
	if results[0] != nil || results[1] == nil || results[2] != nil {
		t.Errorf("the results are %v", results)
	}
	if got := Count(t, d); got != 2 {
		t.Errorf("%d items instead of 2", got)
	}
}

// A work that ends its goroutine, as Fatal does in a test, leaves nobody waiting.
func workThatExits(t *testing.T, e Engine) {
	d := e.fresh(t)
	err := d.Write(t.Context(), func(tx database.Tx) error { _ = Insert(1, "a")(tx); runtime.Goexit(); return nil })
	if err == nil {
		t.Error("a work that exited is said to be stored")
	}
	if err := d.Write(t.Context(), Insert(2, "b")); err != nil {
		t.Error(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Read(context.Background(), func(database.Tx) error { runtime.Goexit(); return nil })
	}()
	<-done
	if got := Count(t, d); got != 1 {
		t.Errorf("%d items instead of 1", got)
	}
}

// The context decides about a work that waits, and no longer about one that has started.
func contextEndsTheWaitOnly(t *testing.T, e Engine) {
	d := e.fresh(t)

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Write(ended, Insert(1, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("a write with an ended context got %v", err)
	}

	release := Hold(t, d)
	waiting, giveUp := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- d.Write(waiting, Insert(2, "b")) }()
	e.Await(t, d, 1)
	giveUp()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a queued write whose context ended got %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}

	running, giveUp := context.WithCancel(context.Background())
	err := d.Write(running, func(tx database.Tx) error { giveUp(); return Insert(3, "c")(tx) })
	if err != nil {
		t.Errorf("a started write got %v", err)
	}
	if got, want := fmt.Sprint(IDs(t, d)), "map[3:true]"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

func uniqueViolation(t *testing.T, e Engine) {
	d := e.fresh(t)
	if err := d.Write(t.Context(), Insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	err := d.Write(t.Context(), Insert(1, "b"))
	if !database.IsUniqueViolation(err) || !database.IsUniqueViolation(fmt.Errorf("wrapped: %w", err)) {
		t.Errorf("got %v", err)
	}
	if database.IsUniqueViolation(errors.New("another")) || database.IsUniqueViolation(nil) {
		t.Error("every error is a unique violation")
	}
}
