package ordertest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules/order"
	"oms/platform/fault"
)

func updated(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 2), item("books", "b", 1))
	for range 2 { // repeating it answers the same and changes nothing more
		got, err := w.orders.Update(clerk, order.UpdateRequest{ID: "1", Name: "New", Items: []order.Item{item("books", "a", 1), item("tools", "last", 1)}})
		if err != nil || got.Status != "Order '1' updated." {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	w.mustBeAvailable(t, "books", "a", 9)
	w.mustBeAvailable(t, "books", "b", 5)
	w.mustBeAvailable(t, "tools", "last", 0)
	got := w.get(t, alice, "1")
	if diff := cmp.Diff([]order.Item{item("books", "a", 1), item("tools", "last", 1)}, got.Items); diff != "" || got.Name != "New" || got.Version != 3 {
		t.Errorf("order %+v %s", got, diff)
	}
}

func refusedUpdate(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "b", 4))
	failure := mustFail(t, "short", w.update(admin, "1", item("books", "b", 6), item("books", "a", 1)), fault.Conflict, "out-of-stock")
	if len(failure.Fields) != 1 || !slices.Equal(failure.Fields[0].Figures, []fault.Figure{{Name: "requested", Value: 6}, {Name: "available", Value: 5}}) {
		t.Errorf("fields %+v: what the order holds is available to it", failure.Fields)
	}
	mustFail(t, "unknown", w.update(admin, "1", item("books", "none", 1)), fault.InvalidArgument)
	if got := w.get(t, alice, "1"); got.Name != "An order" || got.Items[0].Qty != 4 || got.Status != order.StatusConfirmed {
		t.Errorf("order %+v", got)
	}
	w.mustBeAvailable(t, "books", "a", 10)
	w.mustBeAvailable(t, "books", "b", 1)
	if _, err := w.orders.Update(admin, order.UpdateRequest{ID: "1", Name: "An order", Items: []order.Item{item("books", "b", 4)}}); err != nil {
		t.Error("what it is already, after refused ones:", err)
	}
	if err := w.update(admin, "1", item("books", "b", 5)); err != nil {
		t.Error("a good update after refused ones:", err)
	}
	w.mustBeAvailable(t, "books", "b", 0)
	mustFail(t, "invalid", w.update(admin, "1"), fault.InvalidArgument)
}

func illegalUpdates(t *testing.T, w world) {
	mustFail(t, "unknown id", w.update(admin, "none", item("books", "a", 1)), fault.NotFound)
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	w.mustCancel(t, "1")
	mustFail(t, "cancelled", w.update(admin, "1", item("books", "a", 1)), fault.Conflict, "illegal-transition")
	_, err := w.create(alice, "2", item("books", "a", 11))
	mustFail(t, "short", err, fault.Conflict)
	mustFail(t, "refused", w.update(admin, "2", item("books", "a", 1)), fault.NotFound)
	_, err = w.orders.Cancel(admin, order.CancelRequest{ID: "2"})
	mustFail(t, "cancel a refused order", err, fault.NotFound)
	_, err = w.orders.Cancel(admin, order.CancelRequest{ID: "none"})
	mustFail(t, "cancel an unknown order", err, fault.NotFound)
	w.mustBeAvailable(t, "books", "a", 10)
}

func cancelled(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 3))
	for range 3 {
		got, err := w.orders.Cancel(clerk, order.CancelRequest{ID: "1"})
		if err != nil || got.Status != "Order '1' removed." {
			t.Fatalf("got %v, %v", got, err)
		}
	}
	w.mustBeAvailable(t, "books", "a", 10)
	_, err := w.orders.Get(nobody, order.GetRequest{ID: "1"})
	mustFail(t, "a cancelled order to the public", err, fault.NotFound)
	if got := w.get(t, alice, "1"); got.Status != order.StatusCancelled || got.Version != 3 {
		t.Errorf("order %+v", got)
	}
}

func idComesBack(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	w.mustCancel(t, "1")
	w.mustCreate(t, bob, "1", item("books", "b", 1))
	if got := w.get(t, admin, "1"); got.Owner != "bob" {
		t.Errorf("the live order of the id: %+v", got)
	}
	_, err := w.create(alice, "1", item("books", "a", 1))
	mustFail(t, "the first owner again", err, fault.Conflict, "order-exists")
}

// A caller's own order of an id is shown before another's, and what another was refused hides it from nobody.
func ownFirst(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	w.mustCancel(t, "1")
	_, err := w.create(bob, "1", item("books", "a", 11))
	mustFail(t, "bob is refused the same id", err, fault.Conflict, "out-of-stock")
	for who, ctx := range map[string]context.Context{"alice": alice, "admin": admin} {
		if got := w.get(t, ctx, "1"); got.Owner != "alice" || got.Status != order.StatusCancelled {
			t.Errorf("after bob was refused, %s sees %+v", who, got)
		}
	}
	w.mustCreate(t, bob, "1", item("books", "b", 1))
	for _, c := range []struct {
		who   string
		ctx   context.Context
		owner string
	}{{"alice", alice, "alice"}, {"bob", bob, "bob"}, {"admin", admin, "bob"}, {"nobody", nobody, ""}, {"clerk", clerk, ""}} {
		if got := w.get(t, c.ctx, "1"); got.Owner != c.owner {
			t.Errorf("beside bob's live order, %s sees %+v", c.who, got)
		}
	}
	if err := w.update(clerk, "1", item("books", "b", 2)); err != nil {
		t.Error("changing means the live order:", err)
	}
	w.mustCancel(t, "1")
	if got := w.get(t, alice, "1"); got.Owner != "alice" {
		t.Errorf("after bob's was cancelled too, alice sees %+v", got)
	}
	if got := w.get(t, admin, "1"); got.Owner != "bob" {
		t.Errorf("of two that are over, admin sees %+v, and bob's is newer", got)
	}
}

func noDrift(t *testing.T, w world) {
	for range 100 {
		w.mustCreate(t, alice, "1", item("books", "a", 2), item("tools", "last", 1))
		w.mustCancel(t, "1")
	}
	w.mustBeAvailable(t, "books", "a", 10)
	w.mustBeAvailable(t, "tools", "last", 1)
}

func ownerStays(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	if err := w.update(admin, "1", item("books", "a", 2)); err != nil {
		t.Fatal(err)
	}
	w.mustCancel(t, "1")
	if got := w.get(t, admin, "1"); got.Owner != "alice" {
		t.Errorf("owner %q, want alice", got.Owner)
	}
}
