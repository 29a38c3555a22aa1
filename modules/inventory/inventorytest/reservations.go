package inventorytest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules/inventory"
	"oms/platform/fault"
)

func mustBe(t *testing.T, got inventory.Reservation, outcome inventory.Outcome, problems ...inventory.Problem) {
	t.Helper()
	if diff := cmp.Diff(inventory.Reservation{Outcome: outcome, Problems: problems}, got); diff != "" {
		t.Errorf("answer (-want +got): %s", diff)
	}
}

func allOrNothing(t *testing.T, w world) {
	mustBe(t, w.reserve(t, "k", 1, line("books", "a", 1), line("books", "b", 6), line("no", "such", 1), line("tools", "last", 2)), inventory.Refused,
		inventory.Problem{Line: 1, Requested: 6, Available: 5}, inventory.Problem{Line: 2, Unknown: true}, inventory.Problem{Line: 3, Requested: 2, Available: 1})
	w.mustBeReserved(t, "books", "a", 0)
	mustBe(t, w.reserve(t, "k2", 1, line("books", "a", 10), line("books", "b", 5)), inventory.Reserved)
	w.mustBeReserved(t, "books", "a", 10)
	w.mustBeReserved(t, "books", "b", 5)
}

func (w world) mustBeShort(t *testing.T, key string, lines []inventory.Line, want ...inventory.Problem) {
	t.Helper()
	got, err := w.order.Check(nobody, inventory.CheckRequest{Key: key, Lines: lines})
	if diff := cmp.Diff(inventory.Checked{Problems: want}, got); diff != "" || err != nil {
		t.Errorf("checked (-want +got): %s, %v", diff, err)
	}
}

func asked(t *testing.T, w world) {
	w.mustBeShort(t, "", []inventory.Line{line("books", "a", 10)})
	w.mustBeShort(t, "", []inventory.Line{line("books", "a", 1), line("books", "b", 3), line("no", "such", 1), line("books", "b", 3)},
		inventory.Problem{Line: 1, Requested: 6, Available: 5}, inventory.Problem{Line: 2, Unknown: true}, inventory.Problem{Line: 3, Requested: 6, Available: 5})
	mustBe(t, w.reserve(t, "k", 1, line("tools", "last", 1), line("books", "b", 2)), inventory.Reserved)
	w.mustBeShort(t, "", []inventory.Line{line("tools", "last", 1)}, inventory.Problem{Requested: 1})
	w.mustBeShort(t, "k", []inventory.Line{line("tools", "last", 1), line("books", "b", 5)}) // what it holds is free to it
	w.release(t, "k")
	w.mustBeShort(t, "", []inventory.Line{line("tools", "last", 1)})
	w.mustBeReserved(t, "tools", "last", 0)
	w.mustBeReserved(t, "books", "b", 0)
	mustBe(t, w.reserve(t, "never asked for", 1, line("books", "a", 10)), inventory.Reserved) // asking has held nothing
}

func addedUp(t *testing.T, w world) {
	mustBe(t, w.reserve(t, "k", 1, line("books", "b", 3), line("books", "b", 3)), inventory.Refused,
		inventory.Problem{Line: 0, Requested: 6, Available: 5}, inventory.Problem{Line: 1, Requested: 6, Available: 5})
	mustBe(t, w.reserve(t, "k", 2, line("books", "b", 3), line("books", "b", 2)), inventory.Reserved)
	w.mustBeReserved(t, "books", "b", 5)
}

func repeated(t *testing.T, w world) {
	for range 3 {
		mustBe(t, w.reserve(t, "k", 1, line("tools", "last", 1)), inventory.Reserved)
		mustBe(t, w.reserve(t, "k2", 1, line("tools", "last", 1)), inventory.Refused, inventory.Problem{Requested: 1})
	}
	w.mustBeReserved(t, "tools", "last", 1)
	w.release(t, "k")
	mustBe(t, w.reserve(t, "k2", 1, line("tools", "last", 1)), inventory.Refused, inventory.Problem{Requested: 1}) // definite is definite
	mustBe(t, w.reserve(t, "k2", 2, line("tools", "last", 1)), inventory.Reserved)
	_, err := w.order.Reserve(nobody, inventory.ReserveRequest{Key: "k2", Revision: 2, Lines: []inventory.Line{line("books", "a", 1)}})
	mustFail(t, "same revision, other lines", err, fault.InvalidArgument)
}

func swapped(t *testing.T, w world) {
	mustBe(t, w.reserve(t, "k", 1, line("books", "a", 3), line("books", "b", 1)), inventory.Reserved)
	mustBe(t, w.reserve(t, "k", 2, line("books", "a", 1), line("tools", "last", 1)), inventory.Reserved)
	w.mustBeReserved(t, "books", "a", 1)
	w.mustBeReserved(t, "books", "b", 0)
	w.mustBeReserved(t, "tools", "last", 1)
	mustBe(t, w.reserve(t, "k", 3, line("books", "a", 1), line("books", "b", 6)), inventory.Refused, inventory.Problem{Line: 1, Requested: 6, Available: 5})
	w.mustBeReserved(t, "books", "a", 1) // a refused swap leaves what was held
	w.mustBeReserved(t, "tools", "last", 1)
	w.release(t, "k")
	w.mustBeReserved(t, "books", "a", 0)
	w.mustBeReserved(t, "tools", "last", 0)
}

func swapWithinOwn(t *testing.T, w world) {
	mustBe(t, w.reserve(t, "k", 1, line("books", "b", 4)), inventory.Reserved)
	mustBe(t, w.reserve(t, "k", 2, line("books", "b", 6)), inventory.Refused, inventory.Problem{Requested: 6, Available: 5})
	mustBe(t, w.reserve(t, "k", 3, line("books", "b", 5)), inventory.Reserved)
	w.mustBeReserved(t, "books", "b", 5)
}

func superseded(t *testing.T, w world) {
	mustBe(t, w.reserve(t, "k", 2, line("books", "b", 2)), inventory.Reserved)
	mustBe(t, w.reserve(t, "k", 1, line("books", "b", 4)), inventory.Superseded)
	w.mustBeReserved(t, "books", "b", 2)
}

func releasedForGood(t *testing.T, w world) {
	mustBe(t, w.reserve(t, "k", 1, line("books", "b", 2)), inventory.Reserved)
	w.release(t, "k")
	w.release(t, "k")
	w.mustBeReserved(t, "books", "b", 0)
	mustBe(t, w.reserve(t, "k", 1, line("books", "b", 2)), inventory.Reserved) // the repeated answer, without an effect
	w.mustBeReserved(t, "books", "b", 0)
	mustBe(t, w.reserve(t, "k", 2, line("books", "b", 2)), inventory.Released)
	w.mustBeReserved(t, "books", "b", 0)
}

func tombstone(t *testing.T, w world) {
	w.release(t, "k")
	mustBe(t, w.reserve(t, "k", 1, line("books", "b", 2)), inventory.Released)
	w.mustBeReserved(t, "books", "b", 0)
}

// atOnce calls do many times at once and counts the outcomes.
func atOnce(t *testing.T, many int, do func(i int) (inventory.Reservation, error)) map[inventory.Outcome]int {
	t.Helper()
	var mu sync.Mutex
	counts := map[inventory.Outcome]int{}
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			answer, err := do(i)
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			counts[answer.Outcome]++
		})
	}
	group.Wait()
	return counts
}

func lastOne(t *testing.T, w world) {
	counts := atOnce(t, 50, func(i int) (inventory.Reservation, error) {
		return w.order.Reserve(nobody, inventory.ReserveRequest{Key: fmt.Sprint("k", i), Revision: 1, Lines: []inventory.Line{line("tools", "last", 1)}})
	})
	if counts[inventory.Reserved] != 1 || counts[inventory.Refused] != 49 {
		t.Errorf("outcomes %v, want 1 reserved and 49 refused", counts)
	}
	w.mustBeReserved(t, "tools", "last", 1)
}

func crossed(t *testing.T, w world) {
	counts := atOnce(t, 20, func(i int) (inventory.Reservation, error) {
		lines := []inventory.Line{line("books", "a", 1), line("books", "b", 1)}
		if i%2 == 1 {
			lines[0], lines[1] = lines[1], lines[0]
		}
		return w.order.Reserve(nobody, inventory.ReserveRequest{Key: fmt.Sprint("k", i), Revision: 1, Lines: lines})
	})
	if counts[inventory.Reserved] != 5 || counts[inventory.Refused] != 15 {
		t.Errorf("outcomes %v, want 5 reserved and 15 refused", counts)
	}
	w.mustBeReserved(t, "books", "a", 5)
	w.mustBeReserved(t, "books", "b", 5)
}

func invalidReservations(t *testing.T, w world) {
	good := []inventory.Line{line("books", "a", 1)}
	for name, r := range map[string]inventory.ReserveRequest{
		"no key":      {Revision: 1, Lines: good},
		"no revision": {Key: "k", Lines: good},
		"no lines":    {Key: "k", Revision: 1},
		"zero":        {Key: "k", Revision: 1, Lines: []inventory.Line{line("books", "a", 0)}},
		"negative":    {Key: "k", Revision: 1, Lines: []inventory.Line{line("books", "a", -1)}},
		"too many":    {Key: "k", Revision: 1, Lines: []inventory.Line{line("books", "a", 1_000_001)}},
		"101 lines":   {Key: "k", Revision: 1, Lines: make([]inventory.Line, 101)},
	} {
		_, err := w.order.Reserve(nobody, r)
		mustFail(t, name, err, fault.InvalidArgument)
	}
	_, err := w.order.Check(nobody, inventory.CheckRequest{Lines: []inventory.Line{line("books", "a", 0)}})
	mustFail(t, "asking for nothing", err, fault.InvalidArgument)
	_, err = w.order.Check(nobody, inventory.CheckRequest{})
	mustFail(t, "asking without lines", err, fault.InvalidArgument)
	_, err = w.order.Release(nobody, inventory.ReleaseRequest{})
	mustFail(t, "release without a key", err, fault.InvalidArgument)
	w.mustBeReserved(t, "books", "a", 0)
}
