// Package host builds the inventory module in this process.
package host

import (
	"context"
	"time"

	"oms/modules/inventory"
	"oms/modules/inventory/internal"
	"oms/platform/database"
	"oms/platform/rpc"
)

// Options are what the module needs.
type Options struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Products []inventory.Product // added at the start where they are missing, Available being the opening stock
}

// New hosts the module.
func New(ctx context.Context, o Options) (*rpc.Host, error) {
	if len(o.Products) > 0 {
		if err := o.Store.Write(ctx, func(tx database.Tx) error { return internal.AddProducts(tx, o.Products) }); err != nil {
			return nil, err
		}
	}
	return rpc.NewHost[inventory.Service]("inventory", inventory.Operations, internal.New(o.Store, o.Now), o.Observer, o.Now)
}
