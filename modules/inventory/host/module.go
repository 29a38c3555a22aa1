// Package host builds the inventory module in this process.
package host

import (
	"context"
	"time"

	"oms/migrations"
	"oms/modules/inventory"
	"oms/modules/inventory/internal"
	"oms/platform/database"
	"oms/platform/module"
	"oms/platform/rpc"
)

// Module is the inventory module.
var Module = module.Module{
	Name:       "inventory",
	URL:        "https://localhost:9091",
	Tables:     []module.Table{inventory.Operations},
	Migrations: migrations.For("inventory"),
	Open:       open,
}

func open(ctx context.Context, env module.Env) (module.Hosted, error) {
	o := Options{Store: env.Store, Observer: env.Observer, Now: env.Now}
	if env.Demo {
		o.Products = demoProducts()
	}
	host, err := New(ctx, o)
	return module.Hosted{Host: host}, err
}

// demoProducts is the opening stock of the demo.
func demoProducts() []inventory.Product {
	usd := func(cents int64) inventory.Price { return inventory.Price{Amount: cents, Currency: "USD"} }
	return []inventory.Product{
		{Category: "electronics", Code: "APMBA132021", Name: "Apple MacBook Air M1 13-inch", Price: usd(124900), Available: 32},
		{Category: "electronics", Code: "SOWH1000XM4", Name: "Sony WH-1000XM4", Price: usd(34999), Available: 75},
		{Category: "books", Code: "978-1617295959", Name: "Microservices Security in Action", Price: usd(5099), Available: 10},
		{Category: "books", Code: "978-1484220498", Name: "Advanced API Security", Price: usd(1539), Available: 10},
	}
}

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
