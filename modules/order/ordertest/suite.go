// Package ordertest is the contract of the order module as a test: Run proves that a hosted module keeps it, in every
// way to reach it, with a real inventory behind it.
package ordertest

import (
	"context"
	"testing"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// Started is an order module with the inventory behind it.
type Started struct{ Order, Inventory *rpc.Host }

// Start hosts a fresh order module that reaches a fresh inventory over what connect gives.
type Start func(t *testing.T, publicRead bool, products []inventory.Product, connect rpctest.Connect) Started

// Run runs the suite over every shape.
func Run(t *testing.T, shapes []rpctest.Shape, start Start) {
	t.Helper()
	tests := map[string]func(*testing.T, world){
		"an order takes its items from the stock":   created,
		"an id is made where none is given":         madeID,
		"every problem is named at once":            invalid,
		"unknown products are named":                unknownProduct,
		"out of stock says what is short":           outOfStock,
		"a repeated request has one effect":         repeated,
		"a key names one request of one owner":      named,
		"a key repeats a refusal too":               namedRefusal,
		"fifty send the same key":                   sameKey,
		"a bad key":                                 badKey,
		"an id belongs to one live order":           taken,
		"a refused id is free again":                freeAfterRefusal,
		"fifty want the last one":                   lastOne,
		"fifty send the same order":                 sameOrder,
		"who sees what of one order":                views,
		"lists hold one's own orders, admin's all":  lists,
		"pages follow each other":                   pages,
		"bad pages":                                 badPages,
		"who may do what":                           whoMayCall,
		"an update swaps the items":                 updated,
		"a refused update changes nothing":          refusedUpdate,
		"only confirmed orders are updated":         illegalUpdates,
		"cancelling gives the stock back, once":     cancelled,
		"an id comes back after a cancellation":     idComesBack,
		"one's own order of an id comes first":      ownFirst,
		"what is refused leaves nothing":            refusedLeavesNothing,
		"a hundred times over, nothing is lost":     noDrift,
		"the owner is who placed it, not who edits": ownerStays,
	}
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			for name, test := range tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, newWorld(t, start, shape, true))
				})
			}
			t.Run("without public reading, strangers see nothing", func(t *testing.T) {
				t.Parallel()
				private(t, newWorld(t, start, shape, false))
			})
		})
	}
}

// world is a fresh system as the gateway reaches it.
type world struct {
	orders order.Service
	other  order.Service // as a module that is not listed reaches it
	stock  inventory.Service
}

func newWorld(t *testing.T, start Start, shape rpctest.Shape, publicRead bool) world {
	t.Helper()
	price := inventory.Price{Amount: 999, Currency: "USD"}
	started := start(t, publicRead, []inventory.Product{
		{Category: "books", Code: "a", Name: "Book A", Price: price, Available: 10},
		{Category: "books", Code: "b", Name: "Book B", Price: price, Available: 5},
		{Category: "tools", Code: "last", Name: "The last one", Price: price, Available: 1},
	}, shape.Connect)
	return world{
		orders: order.Client{Conn: shape.Connect(t, started.Order, "gateway")},
		other:  order.Client{Conn: shape.Connect(t, started.Order, "inventory")},
		stock:  inventory.Client{Conn: shape.Connect(t, started.Inventory, "gateway")},
	}
}

var (
	nobody = as("")
	alice  = as("alice", order.AddOrder)
	bob    = as("bob", order.AddOrder)
	clerk  = as("clerk", order.AddOrder, order.UpdateOrder, order.CancelOrder) // acts on every order, sees only its own
	admin  = as("admin", order.AddOrder, order.UpdateOrder, order.CancelOrder, order.ViewOrders)
	keeper = as("keeper", inventory.ManageInventory) // of the stock
)

func as(subject string, scopes ...string) context.Context {
	return identity.With(context.Background(), identity.Principal{Subject: subject, Scopes: identity.NewScopes(scopes...), Transaction: "0123456789abcdef0123456789abcdef"})
}

func item(category, code string, qty int64) order.Item {
	return order.Item{Category: category, Code: code, Qty: qty}
}

func (w world) create(ctx context.Context, id string, items ...order.Item) (order.Created, error) {
	return w.orders.Create(ctx, order.CreateRequest{ID: &id, Name: "An order", Items: items})
}

func (w world) mustCreate(t *testing.T, ctx context.Context, id string, items ...order.Item) {
	t.Helper()
	if _, err := w.create(ctx, id, items...); err != nil {
		t.Fatal(err)
	}
}

func (w world) mustCancel(t *testing.T, id string) {
	t.Helper()
	if _, err := w.orders.Cancel(admin, order.CancelRequest{ID: id}); err != nil {
		t.Fatal(err)
	}
}

func (w world) update(ctx context.Context, id string, items ...order.Item) error {
	_, err := w.orders.Update(ctx, order.UpdateRequest{ID: id, Name: "Another name", Items: items})
	return err
}

func (w world) get(t *testing.T, ctx context.Context, id string) order.Order {
	t.Helper()
	got, err := w.orders.Get(ctx, order.GetRequest{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w world) mustBeAvailable(t *testing.T, category, code string, want int64) {
	t.Helper()
	p, err := w.stock.Get(nobody, inventory.GetRequest{Category: category, Code: code})
	if err != nil {
		t.Fatal(err)
	}
	if p.Available != want {
		t.Errorf("%d of %s/%s are available, want %d", p.Available, category, code, want)
	}
}

func mustFail(t *testing.T, what string, err error, want fault.Code, kind ...string) *fault.Error {
	t.Helper()
	failure := fault.From(err)
	if failure == nil {
		failure = &fault.Error{}
	}
	if failure.Code != want || len(kind) > 0 && failure.Type != kind[0] {
		t.Errorf("%s: got %v, want %s %v", what, err, want, kind)
	}
	return failure
}
