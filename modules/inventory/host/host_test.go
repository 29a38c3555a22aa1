package host_test

import (
	"log/slog"
	"testing"
	"time"

	"oms/modules/inventory"
	"oms/modules/inventory/host"
	"oms/modules/inventory/inventorytest"
	"oms/modules/modulestest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestTheContract(t *testing.T) {
	inventorytest.Run(t, modulestest.Shapes(t), func(t *testing.T, products []inventory.Product) *rpc.Host {
		return start(t, databasetest.Open(t, "inventory"), time.Now, *host.DefaultSettings(), products).Host
	})
}

func start(t *testing.T, store database.Store, now func() time.Time, settings host.Settings, products []inventory.Product) *host.Hosted {
	t.Helper()
	hosted, err := host.New(t.Context(), host.Options{
		Env:      module.Env{Store: store, Observer: rpctest.Observe(t, inventory.Operations.Operations()), Now: now, Log: slog.New(slog.DiscardHandler)},
		Settings: settings, Products: products,
	})
	if err != nil {
		t.Fatal(err)
	}
	return hosted
}
