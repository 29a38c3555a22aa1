package host

import (
	"context"

	"oms/migrations"
	"oms/modules/inventory"
	"oms/platform/module"
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
