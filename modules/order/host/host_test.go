package host_test

import (
	"log/slog"
	"testing"
	"time"

	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/order/host"
	"oms/modules/order/ordertest"
	"oms/platform/database/databasetest"
	"oms/platform/rpc/rpctest"
)

func TestTheContract(t *testing.T) {
	ordertest.Run(t, func(t *testing.T, publicRead bool, products []inventory.Product, connect rpctest.Connect) ordertest.Started {
		stock, err := inventoryhost.New(t.Context(), inventoryhost.Options{
			Store: databasetest.Open(t, "inventory"), Observer: &rpctest.Observer{}, Now: time.Now, Products: products,
		})
		if err != nil {
			t.Fatal(err)
		}
		orders, err := host.New(t.Context(), host.Options{
			Store: databasetest.Open(t, "order"), Inventory: inventory.Client{Conn: connect(t, stock, "order")},
			Observer: &rpctest.Observer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			PublicRead: publicRead, PendingTimeout: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		return ordertest.Started{Order: orders.Host, Inventory: stock}
	})
}
