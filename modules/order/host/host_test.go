package host_test

import (
	"log/slog"
	"testing"
	"time"

	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/modulestest"
	"oms/modules/order"
	"oms/modules/order/host"
	"oms/modules/order/ordertest"
	"oms/platform/database/databasetest"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestTheContract(t *testing.T) {
	ordertest.Run(t, modulestest.Shapes(t), start)
}

func start(t *testing.T, publicRead bool, products []inventory.Product, connect rpctest.Connect) ordertest.Started {
	started, _ := startObserved(t, publicRead, products, connect)
	return started
}

// startObserved also gives what is observed at the inventory.
func startObserved(t *testing.T, publicRead bool, products []inventory.Product, connect rpctest.Connect) (ordertest.Started, *rpctest.Observer) {
	t.Helper()
	observer := rpctest.Observe(t, inventory.Operations.Operations())
	stock, err := inventoryhost.New(t.Context(), inventoryhost.Options{
		Env:      module.Env{Store: databasetest.Open(t, "inventory"), Observer: observer, Now: time.Now, Log: slog.New(slog.DiscardHandler)},
		Settings: *inventoryhost.DefaultSettings(),
		Products: products,
	})
	if err != nil {
		t.Fatal(err)
	}
	settings := *host.DefaultSettings()
	settings.PublicRead = publicRead
	orders, err := host.New(t.Context(), host.Options{
		Env: module.Env{
			Store: databasetest.Open(t, "order"), Conn: rpctest.Conns(map[string]rpc.Conn{"inventory": connect(t, stock.Host, "order")}),
			Observer: rpctest.Observe(t, order.Operations.Operations()), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		},
		Settings: settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	return ordertest.Started{Order: orders.Host, Inventory: stock.Host}, observer
}

// Whoever looks into the inventory's log finds the user behind an order, whatever lies between the two.
func TestTheInventoryHearsForWhomTheOrderIs(t *testing.T) {
	for _, shape := range modulestest.Shapes(t) {
		t.Run(shape.Name, func(t *testing.T) {
			started, inventoryObserver := startObserved(t, true, []inventory.Product{{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Currency: "USD"}, Available: 1}}, shape.Connect)
			orders := order.Client{Conn: shape.Connect(t, started.Order, "gateway")}
			const transaction = "0123456789abcdef0123456789abcdef"
			ctx := identity.With(t.Context(), identity.Principal{Subject: "alice", Scopes: identity.NewScopes(order.AddOrder), Transaction: transaction})
			if _, err := orders.Create(ctx, order.CreateRequest{Name: "An order", Items: []order.Item{{Category: "books", Code: "a", Qty: 1}}}); err != nil {
				t.Fatal(err)
			}
			records := inventoryObserver.Decided()
			if len(records) == 0 {
				t.Fatal("the inventory was not asked")
			}
			for _, d := range records {
				if d.Caller != "order" || d.Subject != "alice" || d.Transaction != transaction || len(d.Scopes) > 0 || d.Reason != rpc.Allowed {
					t.Errorf("decision %+v", d)
				}
			}
		})
	}
}
