package databasetest

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"oms/platform/database"
	"oms/platform/fault"
)

// deed is a kind of work; in a batch the i-th work writes item i, or an earlier one's.
type deed string

const (
	store    deed = "store"    // item i
	refuse   deed = "refuse"   // writes item i and returns an error
	explode  deed = "explode"  // writes item i and panics
	repeat   deed = "repeat"   // writes item i, but only in its second run
	collide  deed = "collide"  // writes item 0
	yield    deed = "yield"    // writes item 0, or where it is taken item i
	destroy  deed = "destroy"  // rolls the whole transaction back, and returns an error
	exhaust  deed = "exhaust"  // fills the database, and swallows the error
	withdraw deed = "withdraw" // its caller has gone before it starts
)

var errRefused = errors.New("refused")

// work is what a deed does as the i-th of its batch.
func (d deed) work(e Engine, i int) func(database.Tx) error {
	switch d {
	case refuse:
		return func(tx database.Tx) error { _ = Insert(i, "x")(tx); return errRefused }
	case explode:
		return func(tx database.Tx) error { _ = Insert(i, "x")(tx); panic("exploded") }
	case repeat:
		runs := 0
		return func(tx database.Tx) error {
			if runs++; runs%2 == 1 {
				_ = Insert(i, "x")(tx)
				return database.ErrRerun
			}
			return Insert(i, "x")(tx)
		}
	case collide:
		return Insert(0, "x")
	case yield:
		return func(tx database.Tx) error {
			err := Insert(0, "x")(tx)
			if database.IsUniqueViolation(err) {
				return Insert(i, "x")(tx)
			}
			return err
		}
	case destroy:
		return func(tx database.Tx) error { _, _ = tx.Exec("ROLLBACK"); return errRefused }
	case exhaust:
		return e.Fill(i)
	}
	return Insert(i, "x")
}

// expect is what the deed does to the items, alone or after others, and whether it succeeds.
func (d deed) expect(i int, items map[int]bool) (succeeds bool) {
	switch {
	case d == collide && items[0], d == refuse, d == explode, d == destroy, d == exhaust, d == withdraw:
		return false
	case d == collide, d == yield && !items[0]:
		items[0] = true
	default:
		items[i] = true
	}
	return true
}

// For any batch: each caller learns what its work would have given one after the other, without those that break the
// transaction, and exactly the works that were said to be stored are.
func anyBatchMatchesItsModel(t *testing.T, e Engine) {
	d := e.fresh(t)
	deeds := rapid.SampledFrom([]deed{store, store, refuse, explode, repeat, collide, yield, destroy, exhaust, withdraw})
	batches, works := 0, 0
	rapid.Check(t, func(r *rapid.T) {
		batch := rapid.SliceOfN(deeds, 1, 8).Draw(r, "batch")
		if err := d.Write(t.Context(), func(tx database.Tx) error { _, err := tx.Exec("DELETE FROM item"); return err }); err != nil {
			r.Fatal(err)
		}
		items, succeeds := model(batch)
		for i, err := range e.perform(t, d, batch) {
			if (err == nil) != succeeds[i] {
				r.Errorf("%s, work %d, got %v", batch[i], i, err)
			}
			if batch[i] == exhaust && fault.CodeOf(err) != fault.Unavailable {
				r.Errorf("%s, work %d, got %v", batch[i], i, err)
			}
			if (batch[i] == refuse || batch[i] == destroy) && !errors.Is(err, errRefused) && fault.CodeOf(err) != fault.Unavailable {
				r.Errorf("%s, work %d, got %v", batch[i], i, err)
			}
		}
		if got := IDs(t, d); !maps.Equal(got, items) {
			r.Errorf("stored %v, want %v", got, items)
		}
		batches, works = batches+1, works+len(batch)
	})
	t.Logf("%d works in %d batches", works, batches)
}

// model says what a batch leaves behind and who succeeds.
func model(batch []deed) (items map[int]bool, succeeds []bool) {
	items, succeeds = make(map[int]bool), make([]bool, len(batch))
	var broken []deed
	for _, d := range batch {
		if d == destroy || d == exhaust {
			broken = append(broken, d)
		}
	}
	if len(broken) > 1 && broken[1] == exhaust {
		return items, succeeds // the disk failed in the second attempt too: nobody is told success
	}
	for i, d := range batch {
		succeeds[i] = d.expect(i, items)
	}
	return items, succeeds
}

// perform runs the deeds as one batch, in this order.
func (e Engine) perform(t *testing.T, d Database, batch []deed) []error {
	release := Hold(t, d)
	results := make([]error, len(batch))
	var group sync.WaitGroup
	for i, deed := range batch {
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		gone := make(chan struct{})
		group.Go(func() {
			defer close(gone)
			results[i] = d.Write(ctx, deed.work(e, i))
		})
		e.Await(t, d, i+1)
		if deed == withdraw {
			leave()
			<-gone
		}
	}
	_ = release() // it is part of the batch, and shares the fate of the disk
	group.Wait()
	return results
}
