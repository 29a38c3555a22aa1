package inventorytest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules/inventory"
	"oms/platform/fault"
)

func mustFail(t *testing.T, what string, err error, want fault.Code) *fault.Error {
	t.Helper()
	failure := fault.From(err)
	if failure == nil {
		failure = &fault.Error{}
	}
	if failure.Code != want {
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
	return failure
}

func listed(t *testing.T, w world) {
	all, err := w.edge.List(nobody, inventory.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, p := range all.Data {
		codes = append(codes, p.Category+"/"+p.Code)
	}
	if diff := cmp.Diff([]string{"books/a", "books/b", "tools/last"}, codes); diff != "" {
		t.Error(diff)
	}
}

func filters(t *testing.T, w world) {
	for _, c := range []struct {
		category, query string
		want            []string
	}{
		{"books", "", []string{"a", "b"}}, {"tools", "", []string{"last"}}, {"nothing", "", nil}, {"Books", "", nil},
		{"", "BOOK b", []string{"b"}}, {"", "last", []string{"last"}}, {"books", "last", nil}, {"", "%", nil}, {"", "' OR 1=1", nil}, {"books", "k", []string{"a", "b"}},
	} {
		got, err := w.edge.List(nobody, inventory.ListRequest{Category: c.category, Query: c.query})
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, p := range got.Data {
			codes = append(codes, p.Code)
		}
		if diff := cmp.Diff(c.want, codes); diff != "" {
			t.Errorf("category %q, query %q (-want +got): %s", c.category, c.query, diff)
		}
	}
	_, err := w.edge.List(nobody, inventory.ListRequest{Query: strings.Repeat("x", 801)})
	mustFail(t, "an overlong query", err, fault.Malformed)
}

func views(t *testing.T, w world) {
	for who, ctx := range map[string]context.Context{"nobody": nobody, "alice": alice} {
		p, err := w.edge.Get(ctx, inventory.GetRequest{Category: "books", Code: "a"})
		if err != nil {
			t.Fatal(err)
		}
		want := inventory.Product{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Amount: 999, Currency: "USD"}, Available: 10}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("%s sees (-want +got): %s", who, diff)
		}
	}
	if onHand, reserved := w.see(t, "books", "a"); onHand != 10 || reserved != 0 {
		t.Errorf("on hand %d, reserved %d", onHand, reserved)
	}
	_, err := w.edge.Get(manager, inventory.GetRequest{Category: "books", Code: "../a"})
	mustFail(t, "unknown product", err, fault.NotFound)
}

func adjustments(t *testing.T, w world) {
	w.reserve(t, "k", 1, line("books", "a", 4))
	adjust := func(delta int64, expected *int64) (inventory.Product, error) {
		return w.edge.Adjust(manager, inventory.AdjustRequest{Category: "books", Code: "a", Delta: delta, Reason: "counted", Expected: expected})
	}
	ten, eleven := int64(10), int64(11)
	p, err := adjust(1, &ten)
	if err != nil || *p.OnHand != 11 || *p.Reserved != 4 || p.Available != 7 {
		t.Errorf("after +1: %+v, %v", p, err)
	}
	_, err = adjust(1, &ten)
	mustFail(t, "expected is not met", err, fault.PreconditionFailed)
	_, err = adjust(-8, &eleven)
	failure := mustFail(t, "below what is reserved", err, fault.Conflict)
	if failure.Type != "out-of-stock" || len(failure.Fields) != 1 || !slices.Equal(failure.Fields[0].Figures, []fault.Figure{{Name: "requested", Value: 8}, {Name: "available", Value: 7}}) {
		t.Errorf("fault %+v", failure)
	}
	if p, err = adjust(-7, nil); err != nil || p.Available != 0 {
		t.Errorf("down to what is reserved: %+v, %v", p, err)
	}
	_, err = w.edge.Adjust(manager, inventory.AdjustRequest{Category: "books", Code: "none", Delta: 1, Reason: "counted"})
	mustFail(t, "unknown product", err, fault.NotFound)
}

func invalidAdjustments(t *testing.T, w world) {
	minus := int64(-1)
	_, err := w.edge.Adjust(manager, inventory.AdjustRequest{Category: "books", Code: "a", Reason: " ", Expected: &minus})
	failure := mustFail(t, "all at once", err, fault.InvalidArgument)
	var pointers []string
	for _, field := range failure.Fields {
		pointers = append(pointers, field.Pointer)
	}
	if diff := cmp.Diff([]string{"/delta", "/reason", "/expected"}, pointers); diff != "" {
		t.Error(diff)
	}
	_, err = w.edge.Adjust(manager, inventory.AdjustRequest{Category: "books", Code: "a", Delta: 1_000_001, Reason: "x"})
	mustFail(t, "delta too large", err, fault.InvalidArgument)
}

func put(t *testing.T, w world) {
	w.reserve(t, "k", 1, line("books", "a", 4))
	request := func(code string, onHand int64) inventory.PutRequest {
		amount := int64(1299)
		return inventory.PutRequest{Category: "books", Code: code, Name: "Another name", Price: inventory.PutPrice{Amount: &amount, Currency: "EUR"}, OnHand: &onHand}
	}
	want := func(code string, onHand, reserved int64, created bool) inventory.PutResponse {
		return inventory.PutResponse{
			Category: "books", Code: code, Name: "Another name", Price: inventory.Price{Amount: 1299, Currency: "EUR"},
			Available: onHand - reserved, OnHand: onHand, Reserved: reserved, Created: created,
		}
	}
	for _, c := range []struct {
		what     string
		code     string
		onHand   int64
		reserved int64
		created  bool
	}{
		{"one that is there", "a", 20, 4, false}, {"down to what is reserved", "a", 4, 4, false}, {"the same once more", "a", 4, 4, false},
		{"a new one", "new", 7, 0, true}, {"the new one again", "new", 7, 0, false}, {"one of which there is none", "a name: with / and ü", 0, 0, true},
	} {
		got, err := w.edge.Put(manager, request(c.code, c.onHand))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if diff := cmp.Diff(want(c.code, c.onHand, c.reserved, c.created), got); diff != "" {
			t.Errorf("%s (-want +got): %s", c.what, diff)
		}
		if onHand, reserved := w.see(t, "books", c.code); onHand != c.onHand || reserved != c.reserved {
			t.Errorf("%s: on hand %d, reserved %d", c.what, onHand, reserved)
		}
	}
	_, err := w.edge.Put(manager, request("a", 3))
	failure := mustFail(t, "below what is reserved", err, fault.Conflict)
	if failure.Type != "out-of-stock" || len(failure.Fields) != 1 || failure.Fields[0].Pointer != "/on_hand" {
		t.Errorf("fault %+v", failure)
	}
	w.mustBeReserved(t, "books", "a", 4)
	w.reserve(t, "of the new one", 1, line("books", "new", 7))
	onlyNew := request("a", 50)
	onlyNew.IfNoneMatch = "*"
	_, err = w.edge.Put(manager, onlyNew)
	mustFail(t, "one that is there, where it should be new", err, fault.PreconditionFailed)
	if onHand, _ := w.see(t, "books", "a"); onHand != 4 {
		t.Errorf("%d on hand", onHand)
	}
	onlyNew.Code = "newer"
	if got, err := w.edge.Put(manager, onlyNew); err != nil || !got.Created {
		t.Errorf("a new one, where it should be: %+v, %v", got, err)
	}
	onlyNew.IfNoneMatch = `"a"`
	_, err = w.edge.Put(manager, onlyNew)
	mustFail(t, "another condition", err, fault.InvalidArgument)
}

func invalidProducts(t *testing.T, w world) {
	good := int64(1)
	negative, huge := int64(-1), int64(1_000_000_000_001)
	for what, c := range map[string]struct {
		request inventory.PutRequest
		want    []string
	}{
		"nothing": {inventory.PutRequest{}, []string{"category", "code", "/name", "/price/currency", "/price/amount", "/on_hand"}},
		"all of it is bad": {inventory.PutRequest{
			Category: "a\nb", Code: strings.Repeat("x", 65), Name: " ", Price: inventory.PutPrice{Amount: &negative, Currency: "eur"}, OnHand: &negative,
		}, []string{"category", "code", "/name", "/price/amount", "/price/currency", "/on_hand"}},
		"too much": {inventory.PutRequest{
			Category: "books", Code: "a", Name: "n", Price: inventory.PutPrice{Amount: &huge, Currency: "EURO"}, OnHand: &huge,
		}, []string{"/price/amount", "/price/currency", "/on_hand"}},
		"a price without an amount": {inventory.PutRequest{Category: "books", Code: "a", Name: "n", Price: inventory.PutPrice{Currency: "EUR"}, OnHand: &good}, []string{"/price/amount"}},
	} {
		_, err := w.edge.Put(manager, c.request)
		var pointers []string
		for _, field := range mustFail(t, what, err, fault.InvalidArgument).Fields {
			pointers = append(pointers, field.Parameter+field.Pointer)
		}
		if diff := cmp.Diff(c.want, pointers); diff != "" {
			t.Errorf("%s (-want +got): %s", what, diff)
		}
	}
	if onHand, _ := w.see(t, "books", "a"); onHand != 10 {
		t.Errorf("%d on hand", onHand)
	}
}

func whoMayCall(t *testing.T, w world) {
	adjust := inventory.AdjustRequest{Category: "books", Code: "a", Delta: 1, Reason: "counted"}
	_, err := w.edge.Adjust(nobody, adjust)
	mustFail(t, "nobody adjusts", err, fault.Unauthenticated)
	_, err = w.edge.Adjust(alice, adjust)
	mustFail(t, "alice adjusts", err, fault.PermissionDenied)
	_, err = w.order.Adjust(manager, adjust)
	mustFail(t, "order adjusts, for a manager", err, fault.PermissionDenied)
	set := inventory.PutRequest{Category: "books", Code: "a", Name: "n", Price: inventory.PutPrice{Amount: &adjust.Delta, Currency: "EUR"}, OnHand: &adjust.Delta}
	_, err = w.edge.Put(nobody, set)
	mustFail(t, "nobody sets a product", err, fault.Unauthenticated)
	_, err = w.edge.Put(alice, set)
	mustFail(t, "alice sets a product", err, fault.PermissionDenied)
	_, err = w.order.Put(manager, set)
	mustFail(t, "order sets a product, for a manager", err, fault.PermissionDenied)
	_, err = w.edge.Check(manager, inventory.CheckRequest{Lines: []inventory.Line{line("books", "a", 1)}})
	mustFail(t, "the gateway asks, for a manager", err, fault.PermissionDenied)
	_, err = w.edge.Reserve(manager, inventory.ReserveRequest{Key: "k", Revision: 1, Lines: []inventory.Line{line("books", "a", 1)}})
	mustFail(t, "the gateway reserves, for a manager", err, fault.PermissionDenied)
	_, err = w.edge.Release(manager, inventory.ReleaseRequest{Key: "k"})
	mustFail(t, "the gateway releases, for a manager", err, fault.PermissionDenied)
	_, err = w.other.List(manager, inventory.ListRequest{})
	mustFail(t, "the STS lists", err, fault.PermissionDenied)
	w.mustBeReserved(t, "books", "a", 0)
}
