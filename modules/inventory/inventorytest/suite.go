// Package inventorytest is the contract of the inventory as a test: Run proves that a hosted module keeps it, in
// every way to reach it.
package inventorytest

import (
	"context"
	"testing"

	"oms/modules/inventory"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// Start hosts a fresh module with the given products, their Available being the opening stock.
type Start func(t *testing.T, products []inventory.Product) *rpc.Host

// Run runs the suite over every shape.
func Run(t *testing.T, shapes []rpctest.Shape, start Start) {
	t.Helper()
	tests := map[string]func(*testing.T, world){
		"products are listed by category and code": listed,
		"filters":                                  filters,
		"only who manages the stock sees it all":   views,
		"adjustments":                              adjustments,
		"invalid adjustments":                      invalidAdjustments,
		"a product is set, or added":               put,
		"invalid products":                         invalidProducts,
		"who may call":                             whoMayCall,
		"reserve is all or nothing":                allOrNothing,
		"asking says what is short, holds nothing": asked,
		"lines of one product are added up":        addedUp,
		"a repeated reserve repeats its answer":    repeated,
		"a revision swaps what is held":            swapped,
		"a swap counts what is held as free":       swapWithinOwn,
		"an old revision never overrides":          superseded,
		"release is for good":                      releasedForGood,
		"release of an unknown key is a tombstone": tombstone,
		"fifty want the last one":                  lastOne,
		"crossed lines do not deadlock":            crossed,
		"invalid reservations":                     invalidReservations,
	}
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					host := start(t, stock())
					test(t, world{
						edge:  inventory.Client{Conn: shape.Connect(t, host, "gateway")},
						order: inventory.Client{Conn: shape.Connect(t, host, "order")},
						other: inventory.Client{Conn: shape.Connect(t, host, "sts")},
					})
				})
			}
		})
	}
}

// world is a fresh inventory as its callers reach it.
type world struct {
	edge, order, other inventory.Service
}

func stock() []inventory.Product {
	price := inventory.Price{Amount: 999, Currency: "USD"}
	return []inventory.Product{
		{Category: "books", Code: "b", Name: "Book B", Price: price, Available: 5},
		{Category: "books", Code: "a", Name: "Book A", Price: price, Available: 10},
		{Category: "tools", Code: "last", Name: "The last one", Price: price, Available: 1},
	}
}

var (
	nobody  = as("")
	alice   = as("alice", "add_order")
	manager = as("admin", inventory.ManageInventory, "cancel_order")
)

func as(subject string, scopes ...string) context.Context {
	return identity.With(context.Background(), identity.Principal{Subject: subject, Scopes: identity.NewScopes(scopes...), Transaction: "0123456789abcdef0123456789abcdef"})
}

// see gives the stock of a product as its manager sees it.
func (w world) see(t *testing.T, category, code string) (onHand, reserved int64) {
	t.Helper()
	p, err := w.edge.Get(manager, inventory.GetRequest{Category: category, Code: code})
	if err != nil {
		t.Fatal(err)
	}
	if p.Available != *p.OnHand-*p.Reserved {
		t.Errorf("%s/%s: %d available of %d on hand and %d reserved", category, code, p.Available, *p.OnHand, *p.Reserved)
	}
	return *p.OnHand, *p.Reserved
}

func (w world) mustBeReserved(t *testing.T, category, code string, want int64) {
	t.Helper()
	if _, got := w.see(t, category, code); got != want {
		t.Errorf("%d of %s/%s are reserved, want %d", got, category, code, want)
	}
}

// reserve asks for lines given as category, code and quantity in turn.
func (w world) reserve(t *testing.T, key string, revision int64, lines ...inventory.Line) inventory.Reservation {
	t.Helper()
	answer, err := w.order.Reserve(nobody, inventory.ReserveRequest{Key: key, Revision: revision, Lines: lines, By: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (w world) release(t *testing.T, key string) {
	t.Helper()
	answer, err := w.order.Release(nobody, inventory.ReleaseRequest{Key: key, By: "alice"})
	if err != nil || answer.Outcome != inventory.Released {
		t.Fatalf("release: %v, %v", answer, err)
	}
}

func line(category, code string, quantity int64) inventory.Line {
	return inventory.Line{Category: category, Code: code, Quantity: quantity}
}
