package internal

import (
	"strings"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/identity"
)

// product is a row of the products table.
type product struct {
	category, code, name string
	price                inventory.Price
	onHand, reserved     int64
}

const selectProduct = `SELECT category, code, name, amount, currency, on_hand, reserved FROM products`

func scanProduct(row database.Row) (product, error) {
	var p product
	err := row.Scan(&p.category, &p.code, &p.name, &p.price.Amount, &p.price.Currency, &p.onHand, &p.reserved)
	return p, err
}

func findProduct(tx database.Tx, category, code string) (p product, found bool, err error) {
	return database.Find(tx, scanProduct, selectProduct+` WHERE category = $1 AND code = $2`, category, code)
}

// matches reports whether the name or the code contains the text, without regard to case. It is done here, since
// databases fold the case of few alphabets.
func (p product) matches(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(strings.ToLower(p.name), text) || strings.Contains(strings.ToLower(p.code), text)
}

func (p product) available() int64 { return p.onHand - p.reserved }

// viewFor is the product as far as the principal may see it.
func (p product) viewFor(principal identity.Principal) inventory.Product {
	view := inventory.Product{Category: p.category, Code: p.code, Name: p.name, Price: p.price, Available: p.available()}
	if principal.Scopes.Has(inventory.ManageInventory) {
		view.OnHand, view.Reserved = &p.onHand, &p.reserved
	}
	return view
}

// AddProducts adds the products that are not there yet, with their stock as the opening; the others stay as they are.
func AddProducts(tx database.Tx, products []inventory.Product) error {
	for _, p := range products {
		if _, err := tx.Exec(`INSERT INTO products (category, code, name, amount, currency, opening, on_hand)
			VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (category, code) DO NOTHING`,
			p.Category, p.Code, p.Name, p.Price.Amount, p.Price.Currency, p.Available); err != nil {
			return err
		}
	}
	return nil
}
