// Package host builds the inventory module in this process.
package host

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"oms/migrations"
	"oms/modules/inventory"
	"oms/modules/inventory/internal"
	"oms/platform/database"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/trust/direct"
)

// Module is the inventory module.
var Module = module.Module{
	Name:       "inventory",
	URL:        "https://localhost:9091",
	Tables:     []module.Table{inventory.Operations},
	Migrations: migrations.For("inventory"),
	Settings:   func() any { return internal.DefaultSettings() },
	Open:       open,
}

func open(ctx context.Context, env module.Env) (module.Hosted, error) {
	o := Options{Env: env, Settings: *env.Settings.(*Settings)}
	if env.Demo {
		o.Products = demoProducts()
	}
	stock, err := New(ctx, o)
	if err != nil {
		return module.Hosted{}, err
	}
	pruner := stock.Pruner()
	return module.Hosted{
		Host:       stock.Host,
		Background: []module.Background{{Name: "inventory retention", Run: pruner.Run}},
		Collectors: []prometheus.Collector{pruner.Collector()},
		Lacks:      stock.lacksProducts,
	}, nil
}

// lacksProducts says where products come from while there are none.
func (h *Hosted) lacksProducts(ctx context.Context) (*module.Lack, error) {
	if some, err := h.HasProducts(ctx); some || err != nil {
		return nil, err
	}
	return &module.Lack{Says: "There are no products yet: a user with manage_inventory adds them in the shop, or they come from a file.", Command: "stock import FILE"}, nil
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

// Operators is what operators need; see [inventory.Operators].
type Operators = internal.Operators

// Administer gives what operators do on a database, beside a running server or without one: a Conn for
// [inventory.OperatorOperations]. Nobody else is let in there: it is served in this process alone.
func Administer(o Operators) (rpc.Conn, error) {
	host, err := rpc.NewHost[inventory.Operators](Module.Name, inventory.OperatorOperations, o, o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return direct.Conn(host, rpc.Operator), nil
}

// Settings are the module's part of the configuration, under its name.
type Settings = internal.Settings

// DefaultSettings are those of a module that is told nothing.
func DefaultSettings() *Settings { return internal.DefaultSettings() }

// Options are what the module needs.
type Options struct {
	module.Env
	Settings
	Products []inventory.Product // added at the start where they are missing, Available being the opening stock
}

// Hosted is the hosted module.
type Hosted struct {
	*rpc.Host
	*internal.Service
}

// New hosts the module.
func New(ctx context.Context, o Options) (*Hosted, error) {
	if len(o.Products) > 0 {
		if err := o.Store.Write(ctx, func(tx database.Tx) error { return internal.AddProducts(tx, o.Products) }); err != nil {
			return nil, err
		}
	}
	service := internal.New(internal.Options{Env: o.Env, Settings: o.Settings})
	host, err := rpc.NewHost[inventory.Service]("inventory", inventory.Operations, service, o.Observer, o.Now)
	return &Hosted{host, service}, err
}
