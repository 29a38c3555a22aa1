package ordertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules/order"
	"oms/platform/fault"
)

func created(t *testing.T, w world) {
	got, err := w.create(alice, "100500", item("books", "a", 2), item("books", "b", 1), item("books", "a", 1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order.Created{ID: "100500", Status: "Order '100500' created."}, got); diff != "" {
		t.Error(diff)
	}
	w.mustBeAvailable(t, "books", "a", 7)
	w.mustBeAvailable(t, "books", "b", 4)
	if got := w.get(t, alice, "100500"); got.Status != order.StatusConfirmed || got.Owner != "alice" || got.Version != 2 {
		t.Errorf("order %+v", got)
	}
}

func madeID(t *testing.T, w world) {
	seen := map[string]bool{}
	for range 3 {
		got, err := w.orders.Create(alice, order.CreateRequest{Name: "An order", Items: []order.Item{item("books", "a", 1)}})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.ID) < 26 || seen[got.ID] { // 128 bits in base32
			t.Errorf("id %q", got.ID)
		}
		seen[got.ID] = true
		w.get(t, nobody, got.ID)
	}
	w.mustBeAvailable(t, "books", "a", 7) // the same content three times is three orders
}

func invalid(t *testing.T, w world) {
	bad := ".."
	_, err := w.orders.Create(alice, order.CreateRequest{ID: &bad, Name: strings.Repeat("ä", 201), Items: []order.Item{
		item("", "a", 1), item("books", strings.Repeat("x", 65), 0), item("books", "a", 1_000_001), item("books", "a", 1),
	}})
	failure := mustFail(t, "invalid order", err, fault.InvalidArgument)
	var pointers []string
	for _, field := range failure.Fields {
		pointers = append(pointers, field.Pointer)
	}
	if diff := cmp.Diff([]string{"/id", "/name", "/items/0/category", "/items/1/code", "/items/1/qty", "/items/2/qty"}, pointers); diff != "" {
		t.Error("problems (-want +got):", diff)
	}
	for name, r := range map[string]order.CreateRequest{
		"no items":    {Name: "x"},
		"101 items":   {Name: "x", Items: make([]order.Item, 101)},
		"NUL":         {Name: "a\x00b", Items: []order.Item{item("books", "a", 1)}},
		"blank name":  {Name: " \t", Items: []order.Item{item("books", "a", 1)}},
		"empty id":    {ID: new(string), Name: "x", Items: []order.Item{item("books", "a", 1)}},
		"negative":    {Name: "x", Items: []order.Item{item("books", "a", -1)}},
		"id of paths": {ID: ptr("a/b"), Name: "x", Items: []order.Item{item("books", "a", 1)}},
		"long id":     {ID: ptr(strings.Repeat("a", 65)), Name: "x", Items: []order.Item{item("books", "a", 1)}},
	} {
		_, err := w.orders.Create(alice, r)
		mustFail(t, name, err, fault.InvalidArgument)
	}
	w.mustBeAvailable(t, "books", "a", 10)
}

func ptr[T any](v T) *T { return &v }

func unknownProduct(t *testing.T, w world) {
	_, err := w.create(alice, "1", item("books", "a", 1), item("books", "none", 1), item("tools", "last", 2))
	failure := mustFail(t, "unknown product", err, fault.InvalidArgument)
	if len(failure.Fields) != 2 || failure.Fields[0].Pointer != "/items/1" || failure.Fields[1].Pointer != "/items/2" {
		t.Errorf("fields %+v", failure.Fields)
	}
	w.mustBeAvailable(t, "books", "a", 10)
}

func outOfStock(t *testing.T, w world) {
	_, err := w.create(alice, "1", item("books", "a", 1), item("books", "b", 3), item("books", "b", 3), item("tools", "last", 2))
	failure := mustFail(t, "short", err, fault.Conflict, "out-of-stock")
	field := func(line int, requested, available int64) fault.Field {
		return fault.Field{Code: fault.NotEnough, Pointer: fmt.Sprint("/items/", line), Detail: fmt.Sprintf("%d requested, %d available", requested, available), Figures: []fault.Figure{{Name: "requested", Value: requested}, {Name: "available", Value: available}}}
	}
	if diff := cmp.Diff([]fault.Field{field(1, 6, 5), field(2, 6, 5), field(3, 2, 1)}, failure.Fields); diff != "" {
		t.Error("fields (-want +got):", diff)
	}
	w.mustBeAvailable(t, "books", "a", 10)
	_, err = w.orders.Get(nobody, order.GetRequest{ID: "1"})
	mustFail(t, "a refused order to the public", err, fault.NotFound)
}

// What is refused is not an order: nobody finds it, by its id or in a list.
func refusedLeavesNothing(t *testing.T, w world) {
	for name, items := range map[string][]order.Item{
		"short":   {item("books", "a", 11)},
		"unknown": {item("books", "none", 1)},
		"both":    {item("books", "none", 1), item("books", "a", 11)},
	} {
		for range 2 {
			_, err := w.create(alice, name, items...)
			if err == nil {
				t.Errorf("%s was placed", name)
			}
		}
		mustFail(t, name+" with a key", errorOf(w.createNamed(alice, name, items...)), fault.CodeOf(errorOf(w.create(alice, name, items...))))
		for who, ctx := range map[string]context.Context{"alice": alice, "admin": admin, "nobody": nobody} {
			_, err := w.orders.Get(ctx, order.GetRequest{ID: name})
			mustFail(t, name+" to "+who, err, fault.NotFound)
		}
	}
	for _, ctx := range []context.Context{alice, admin} {
		if ids, _ := w.ids(t, ctx, order.ListRequest{}); len(ids) != 0 {
			t.Errorf("in a list: %q", ids)
		}
	}
}

func repeated(t *testing.T, w world) {
	for range 3 {
		got, err := w.create(alice, "1", item("books", "a", 2))
		if err != nil || got.Status != "Order '1' created." {
			t.Errorf("got %v, %v", got, err)
		}
	}
	w.mustBeAvailable(t, "books", "a", 8)
	if err := w.update(admin, "1", item("books", "a", 4)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.create(alice, "1", item("books", "a", 2)); err != nil { // compared with the first request, not with what it became
		t.Error("the first request, after an update:", err)
	}
	w.mustBeAvailable(t, "books", "a", 6)
}

func taken(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 2))
	_, err := w.create(alice, "1", item("books", "a", 3))
	mustFail(t, "other content", err, fault.Conflict, "order-exists")
	_, err = w.create(bob, "1", item("books", "a", 2))
	mustFail(t, "other owner", err, fault.Conflict, "order-exists")
	w.mustBeAvailable(t, "books", "a", 8)
}

func freeAfterRefusal(t *testing.T, w world) {
	_, err := w.create(alice, "1", item("books", "a", 11))
	mustFail(t, "short", err, fault.Conflict, "out-of-stock")
	w.mustCreate(t, bob, "1", item("books", "a", 10))
	if got := w.get(t, admin, "1"); got.Owner != "bob" || got.Status != order.StatusConfirmed {
		t.Errorf("the live order of the id: %+v", got)
	}
}

// atOnce creates many orders at once and counts the codes of the answers; "" is success.
func atOnce(many int, create func(i int) error) map[fault.Code]int {
	var mu sync.Mutex
	counts := map[fault.Code]int{}
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			code := fault.CodeOf(create(i))
			mu.Lock()
			defer mu.Unlock()
			counts[code]++
		})
	}
	group.Wait()
	return counts
}

func lastOne(t *testing.T, w world) {
	counts := atOnce(50, func(i int) error {
		_, err := w.create(as(fmt.Sprint("buyer", i), order.AddOrder), fmt.Sprint("o", i), item("tools", "last", 1))
		return err
	})
	if counts[""] != 1 || counts[fault.Conflict] != 49 {
		t.Errorf("answers %v, want 1 created and 49 conflicts", counts)
	}
	w.mustBeAvailable(t, "tools", "last", 0)
}

func sameOrder(t *testing.T, w world) {
	counts := atOnce(50, func(int) error {
		_, err := w.create(alice, "1", item("books", "a", 1))
		return err
	})
	if counts[""] != 50 {
		t.Errorf("answers %v, want 50 times the same", counts)
	}
	w.mustBeAvailable(t, "books", "a", 9)
}

func whoMayCall(t *testing.T, w world) {
	w.mustCreate(t, alice, "1", item("books", "a", 1))
	calls := map[string]func(context.Context, order.Service) error{
		"create": func(ctx context.Context, s order.Service) error {
			_, err := s.Create(ctx, order.CreateRequest{ID: ptr("2"), Name: "x", Items: []order.Item{item("books", "a", 1)}})
			return err
		},
		"list": func(ctx context.Context, s order.Service) error {
			_, err := s.List(ctx, order.ListRequest{})
			return err
		},
		"update": func(ctx context.Context, s order.Service) error {
			_, err := s.Update(ctx, order.UpdateRequest{ID: "1", Name: "x", Items: []order.Item{item("books", "a", 1)}})
			return err
		},
		"cancel": func(ctx context.Context, s order.Service) error {
			_, err := s.Cancel(ctx, order.CancelRequest{ID: "1"})
			return err
		},
	}
	for name, call := range calls {
		mustFail(t, name+" by nobody", call(nobody, w.orders), fault.Unauthenticated)
		mustFail(t, name+" by a module that is not listed", call(admin, w.other), fault.PermissionDenied)
	}
	mustFail(t, "update by a customer", calls["update"](alice, w.orders), fault.PermissionDenied)
	mustFail(t, "cancel by a customer", calls["cancel"](alice, w.orders), fault.PermissionDenied)
	mustFail(t, "create without the scope", calls["create"](as("eve", order.ViewOrders), w.orders), fault.PermissionDenied)
	w.mustBeAvailable(t, "books", "a", 9)
}
