package database_test

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
func TestWritersShareCommits(t *testing.T) {
	d := server(t, options(t))
	const writers, each = 64, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := d.Write(t.Context(), insert(w*each+i, "x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s := d.Stats()
	t.Logf("%d works in %d commits, %.1f a commit", s.Works, s.Commits, float64(s.Works)/float64(s.Commits))
	if s.Works != writers*each || count(t, d) != writers*each {
		t.Fatalf("of %d works %d were counted and %d stored", writers*each, s.Works, count(t, d))
	}
	if s.Commits*4 > s.Works {
		t.Errorf("fewer than 4 works a commit with %d writers", writers)
	}
}

// What fails, in whatever way, is undone alone; its neighbours in the batch are stored by the same commit.
func TestWorksOfOneBatchAreIsolated(t *testing.T) {
	log := &journal{}
	o := options(t)
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	d := server(t, o)
	refusal := errors.New("out of stock")
	runs := 0
	results := together(t, d,
		insert(1, "a"),
		func(tx database.Tx) error { // changes something, then refuses
			if err := insert(2, "b")(tx); err != nil {
				return err
			}
			return refusal
		},
		insert(1, "again"), // collides with its neighbour
		func(tx database.Tx) error { // sees the collision and goes on
			if err := insert(1, "again")(tx); !database.IsUniqueViolation(err) {
				return fmt.Errorf("the collision is %w", err)
			}
			return insert(4, "d")(tx)
		},
		func(tx database.Tx) error { // panics
			_ = insert(5, "e")(tx)
			panic("a defect")
		},
		func(tx database.Tx) error { // asks to be run again, twice
			runs++
			if err := insert(60+runs, "f")(tx); err != nil || runs == 3 {
				return err
			}
			return fmt.Errorf("the version has moved: %w", database.ErrRerun)
		},
		func(tx database.Tx) error { // never content
			_ = insert(7, "g")(tx)
			return database.ErrRerun
		},
		insert(8, "h"),
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
	if got, want := fmt.Sprint(ids(t, d)), "map[1:true 4:true 8:true 63:true]"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
	if s := d.Stats(); s.Commits != 1 || s.Abandoned != 0 {
		t.Errorf("not one commit: %+v", s)
	}
	if told := log.String(); !strings.Contains(told, "a defect") || !strings.Contains(told, "write_test.go") {
		t.Errorf("the log lacks the panic or its stack: %s", told)
	}
}

func isNil(err error) bool { return err == nil }

// A work that destroys the transaction under its neighbours loses alone: they run again without it.
func TestBrokenTransactionIsRunAgainWithoutItsCulprit(t *testing.T) {
	refusal := errors.New("refused")
	for name, culprit := range map[string]func(database.Tx) error{
		"a conflict that rolls everything back": func(tx database.Tx) error {
			if _, err := tx.Exec("INSERT OR ROLLBACK INTO item (id, name) VALUES (1, 'again')"); err == nil {
				return errors.New("no conflict")
			}
			_, _ = tx.Exec("INSERT INTO item (id, name) VALUES (99, 'would be stored alone')")
			return refusal
		},
		"a transaction of its own": func(tx database.Tx) error {
			_, _ = tx.Exec("ROLLBACK; BEGIN") // as if nothing had happened; the savepoint is gone
			return refusal
		},
		"a rollback of its own": func(tx database.Tx) error {
			_, _ = tx.Exec("ROLLBACK")
			return refusal
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := server(t, options(t))
			results := together(t, d, insert(1, "a"), culprit, insert(3, "c"))
			if results[0] != nil || !errors.Is(results[1], refusal) || results[2] != nil {
				t.Errorf("the results are %v", results)
			}
			if got, want := fmt.Sprint(ids(t, d)), "map[1:true 3:true]"; got != want {
				t.Errorf("stored %s, want %s", got, want)
			}
			if s := d.Stats(); s.Abandoned != 1 || s.Commits != 1 {
				t.Errorf("not one abandoned and one committed transaction: %+v", s)
			}
		})
	}
}

// A constraint that is checked at the commit names no work; each still learns its own result.
func TestDeferredConstraintFailsItsWorkAlone(t *testing.T) {
	d := server(t, options(t))
	if err := d.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec("CREATE TABLE part (item INTEGER NOT NULL REFERENCES item DEFERRABLE INITIALLY DEFERRED) STRICT")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	orphan := func(tx database.Tx) error { _, err := tx.Exec("INSERT INTO part (item) VALUES (77)"); return err }
	results := together(t, d, insert(1, "a"), orphan, insert(2, "b"))
	if results[0] != nil || results[1] == nil || results[2] != nil {
		t.Errorf("the results are %v", results)
	}
	if got := count(t, d); got != 2 {
		t.Errorf("%d items instead of 2", got)
	}
}

// A work that ends its goroutine, as Fatal does in a test, leaves nobody waiting.
func TestWorkThatExits(t *testing.T) {
	d := server(t, options(t))
	err := d.Write(t.Context(), func(tx database.Tx) error { _ = insert(1, "a")(tx); runtime.Goexit(); return nil })
	if err == nil {
		t.Error("a work that exited is said to be stored")
	}
	if err := d.Write(t.Context(), insert(2, "b")); err != nil {
		t.Error(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Read(context.Background(), func(database.Tx) error { runtime.Goexit(); return nil })
	}()
	<-done
	if got := count(t, d); got != 1 {
		t.Errorf("%d items instead of 1", got)
	}
}

// The context decides about a work that waits, and no longer about one that has started.
func TestContextEndsTheWaitOnly(t *testing.T) {
	d := server(t, options(t))

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := d.Write(ended, insert(1, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("a write with an ended context got %v", err)
	}

	release := hold(t, d)
	waiting, giveUp := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- d.Write(waiting, insert(2, "b")) }()
	queued(t, d, 1)
	giveUp()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("a queued write whose context ended got %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}

	running, giveUp := context.WithCancel(context.Background())
	err := d.Write(running, func(tx database.Tx) error { giveUp(); return insert(3, "c")(tx) })
	if err != nil {
		t.Errorf("a started write got %v", err)
	}
	if got, want := fmt.Sprint(ids(t, d)), "map[3:true]"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

// A full queue makes callers wait, as long as they like.
func TestFullQueueHoldsCallersBack(t *testing.T) {
	d := server(t, options(t))
	release := hold(t, d)
	var group sync.WaitGroup
	for i := range database.QueueLimit {
		group.Go(func() {
			if err := d.Write(context.Background(), insert(i, "x")); err != nil {
				t.Error(err)
			}
		})
	}
	queued(t, d, database.QueueLimit)
	waiting, giveUp := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- d.Write(waiting, insert(-1, "one too many")) }()
	giveUp()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the write that found no place got %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	group.Wait()
	if got := count(t, d); got != database.QueueLimit {
		t.Errorf("%d items instead of %d", got, database.QueueLimit)
	}
}

func TestUniqueViolation(t *testing.T) {
	d := server(t, options(t))
	if err := d.Write(t.Context(), insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	err := d.Write(t.Context(), insert(1, "b"))
	if !database.IsUniqueViolation(err) || !database.IsUniqueViolation(fmt.Errorf("wrapped: %w", err)) {
		t.Errorf("got %v", err)
	}
	if database.IsUniqueViolation(errors.New("another")) || database.IsUniqueViolation(nil) {
		t.Error("every error is a unique violation")
	}
}
