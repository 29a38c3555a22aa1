package host_test

import (
	"testing"
	"time"

	"oms/modules/inventory"
	"oms/modules/inventory/host"
	"oms/modules/inventory/inventorytest"
	"oms/modules/modulestest"
	"oms/platform/database/databasetest"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestTheContract(t *testing.T) {
	inventorytest.Run(t, modulestest.Shapes(t), func(t *testing.T, products []inventory.Product) *rpc.Host {
		hosted, err := host.New(t.Context(), host.Options{
			Store: databasetest.Open(t, "inventory"), Observer: rpctest.Observe(t, inventory.Operations.Operations()), Now: time.Now, Products: products,
		})
		if err != nil {
			t.Fatal(err)
		}
		return hosted
	})
}
