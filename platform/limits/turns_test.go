package limits

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// queued has holders wait for turns, in this order, and gives in which order their turns came when each ended before the next.
func queued(t *testing.T, turns *Turns, holders ...string) (order []string) {
	t.Helper()
	var busy []func()
	for len(turns.running) < turns.all {
		done, err := turns.Take(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		busy = append(busy, done)
	}
	come, next := make(chan string), make(chan struct{})
	for _, holder := range holders {
		go func() {
			done, err := turns.Take(t.Context(), holder)
			if err != nil {
				t.Error(err)
				return
			}
			come <- holder
			<-next
			done()
		}()
		synctest.Wait()
	}
	busy[0]()
	for range holders {
		order = append(order, <-come)
		next <- struct{}{}
	}
	for _, done := range busy[1:] {
		done()
	}
	return order
}

func TestWhoAsksOnceDoesNotWaitForWhoAsksOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := queued(t, NewTurns(2, 1, 0), "bob", "bob", "bob", "bob", "alice", "bob", "carol", "alice")
		if want := []string{"bob", "alice", "carol", "bob", "alice", "bob", "bob", "bob"}; !slices.Equal(got, want) {
			t.Errorf("turns came in the order %v, want %v", got, want)
		}
	})
}

func TestNobodyTakesAllTurns(t *testing.T) {
	turns := NewTurns(4, 2, 0)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if _, err := turns.Take(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := turns.Take(over, "bob"); !errors.Is(err, context.Canceled) {
		t.Errorf("the third turn of bob: %v", err)
	}
	for range 2 {
		if _, err := turns.Take(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := turns.Take(over, "alice"); !errors.Is(err, context.Canceled) {
		t.Errorf("a fifth turn: %v", err)
	}
}

// Whoever gives up leaves the queue, and a turn that came too late goes on to the next one.
func TestWhoGivesUpKeepsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1, 1, 0)
		busy, err := turns.Take(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		for _, holder := range []string{"alice", "bob", "alice"} {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if done, err := turns.Take(ctx, holder); err == nil {
					done()
				}
			}()
			synctest.Wait()
			cancel()
		}
		synctest.Wait()
		if len(turns.queues) > 0 {
			t.Errorf("%d queues are left", len(turns.queues))
		}
		busy()
		if len(turns.running) != 0 || len(turns.taking) > 0 {
			t.Errorf("%d turns are taken, by %v", len(turns.running), turns.taking)
		}
	})
}

// Whoever waits for something else than a processor loses its turn to those who wait for it, and ends it for nobody else later.
func TestATurnThatLastsTooLongIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1, 1, 50*time.Millisecond)
		slow, err := turns.Take(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		next, err := turns.Take(t.Context(), "alice")
		if err != nil || time.Since(begun) != 50*time.Millisecond {
			t.Errorf("the next turn came after %v, %v", time.Since(begun), err)
		}
		slow()
		if len(turns.running) != 1 {
			t.Error("a turn that was over has ended the next one")
		}
		next()
		next()
		if len(turns.running) != 0 || len(turns.taking) > 0 {
			t.Errorf("%d turns are taken, by %v", len(turns.running), turns.taking)
		}
	})
}

func TestARequestEndsItsTurn(t *testing.T) {
	turns := NewTurns(1, 1, 0)
	done, err := turns.Take(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	ctx := WithTurn(t.Context(), done)
	EndTurn(ctx)
	EndTurn(ctx)
	EndTurn(t.Context()) // which has none
	if len(turns.running) != 0 {
		t.Error("it goes on")
	}
}
