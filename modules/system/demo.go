package system

import (
	"oms/modules/inventory"
)

// demoProducts is the opening stock of the demo, or nothing where the demo is off.
func demoProducts(c Config) []inventory.Product {
	if !c.Demo.Enabled {
		return nil
	}
	usd := func(cents int64) inventory.Price { return inventory.Price{Amount: cents, Currency: "USD"} }
	return []inventory.Product{
		{Category: "electronics", Code: "APMBA132021", Name: "Apple MacBook Air M1 13-inch", Price: usd(124900), Available: 32},
		{Category: "electronics", Code: "SOWH1000XM4", Name: "Sony WH-1000XM4", Price: usd(34999), Available: 75},
		{Category: "books", Code: "978-1617295959", Name: "Microservices Security in Action", Price: usd(5099), Available: 10},
		{Category: "books", Code: "978-1484220498", Name: "Advanced API Security", Price: usd(1539), Available: 10},
	}
}
