package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
)

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
			results := engine().Together(t, d, databasetest.Insert(1, "a"), culprit, databasetest.Insert(3, "c"))
			if results[0] != nil || !errors.Is(results[1], refusal) || results[2] != nil {
				t.Errorf("the results are %v", results)
			}
			if got, want := fmt.Sprint(databasetest.IDs(t, d)), "map[1:true 3:true]"; got != want {
				t.Errorf("stored %s, want %s", got, want)
			}
			if s := d.Stats(); s.Abandoned != 1 || s.Commits != 1 {
				t.Errorf("not one abandoned and one committed transaction: %+v", s)
			}
		})
	}
}

// A full queue makes callers wait, as long as they like.
func TestFullQueueHoldsCallersBack(t *testing.T) {
	d := server(t, options(t))
	release := databasetest.Hold(t, d)
	var group sync.WaitGroup
	for i := range sqlite.QueueLimit {
		group.Go(func() {
			if err := d.Write(context.Background(), databasetest.Insert(i, "x")); err != nil {
				t.Error(err)
			}
		})
	}
	engine().Await(t, d, sqlite.QueueLimit)
	waiting, giveUp := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- d.Write(waiting, databasetest.Insert(-1, "one too many")) }()
	giveUp()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the write that found no place got %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	group.Wait()
	if got := databasetest.Count(t, d); got != sqlite.QueueLimit {
		t.Errorf("%d items instead of %d", got, sqlite.QueueLimit)
	}
}
