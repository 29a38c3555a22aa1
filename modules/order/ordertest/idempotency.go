package ordertest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/fault"
)

func (w world) createNamed(ctx context.Context, key string, items ...order.Item) (order.Created, error) {
	return w.orders.Create(ctx, order.CreateRequest{Name: "An order", Items: items, IdempotencyKey: key})
}

func named(t *testing.T, w world) {
	first, err := w.createNamed(alice, "k", item("books", "a", 2))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again, err := w.createNamed(alice, "k", item("books", "a", 2))
		if err != nil || again != first {
			t.Errorf("got %v, %v; want %v", again, err, first)
		}
	}
	w.mustBeAvailable(t, "books", "a", 8)
	failure := mustFail(t, "the key for another request", errorOf(w.createNamed(alice, "k", item("books", "a", 3))), fault.InvalidArgument)
	if len(failure.Fields) != 1 || failure.Fields[0].Header != order.KeyHeader {
		t.Errorf("fields %+v", failure.Fields)
	}
	_, err = w.orders.Create(alice, order.CreateRequest{ID: ptr("1"), Name: "An order", Items: []order.Item{item("books", "a", 2)}, IdempotencyKey: "k"})
	mustFail(t, "the key with an id", err, fault.InvalidArgument)
	other, err := w.createNamed(bob, "k", item("books", "a", 2))
	if err != nil || other.ID == first.ID {
		t.Errorf("another owner's key: %v, %v", other, err)
	}
	w.mustCancel(t, first.ID)
	again, err := w.createNamed(alice, "k", item("books", "a", 2))
	if err != nil || again != first {
		t.Errorf("after the cancellation: %v, %v; want %v", again, err, first)
	}
	w.mustBeAvailable(t, "books", "a", 8)
}

func errorOf(_ order.Created, err error) error { return err }

func namedRefusal(t *testing.T, w world) {
	mustFail(t, "short", errorOf(w.createNamed(alice, "k", item("tools", "last", 2))), fault.Conflict, "out-of-stock")
	if _, err := w.stock.Adjust(keeper, inventory.AdjustRequest{Category: "tools", Code: "last", Delta: 1, Reason: "found"}); err != nil {
		t.Fatal(err)
	}
	again := mustFail(t, "the same again, with stock", errorOf(w.createNamed(alice, "k", item("tools", "last", 2))), fault.Conflict, "out-of-stock")
	if len(again.Fields) != 1 || !slices.Equal(again.Fields[0].Figures, []fault.Figure{{Name: "requested", Value: 2}, {Name: "available", Value: 1}}) {
		t.Errorf("fields %+v: the answer is that of the first time", again.Fields)
	}
	mustFail(t, "the key for another request", errorOf(w.createNamed(alice, "k", item("tools", "last", 1))), fault.InvalidArgument)
	if _, err := w.createNamed(alice, "k2", item("tools", "last", 2)); err != nil {
		t.Error("a new key, with stock:", err)
	}
}

func sameKey(t *testing.T, w world) {
	counts := atOnce(50, func(int) error { return errorOf(w.createNamed(alice, "k", item("books", "a", 1))) })
	if counts[""] != 50 {
		t.Errorf("answers %v, want 50 times the same", counts)
	}
	w.mustBeAvailable(t, "books", "a", 9)
}

func badKey(t *testing.T, w world) {
	for _, key := range []string{"with space", "ümlaut", "line\nbreak", strings.Repeat("k", 256)} {
		mustFail(t, key, errorOf(w.createNamed(alice, key, item("books", "a", 1))), fault.InvalidArgument)
	}
	w.mustBeAvailable(t, "books", "a", 10)
}
