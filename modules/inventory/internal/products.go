package internal

import (
	"context"
	"strings"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// List gives the products that are asked for. The text is looked for here, since databases fold the case of few alphabets.
func (s *Service) List(ctx context.Context, r inventory.ListRequest) (inventory.Products, error) {
	all, err := database.Read(ctx, s.Store, func(tx database.Tx) ([]inventory.Product, error) {
		return database.Collect(tx, scanProduct, selectProduct+` WHERE $1 = '' OR category = $1 ORDER BY category, code`, r.Category)
	})
	if err != nil {
		return inventory.Products{}, err
	}
	found := inventory.Products{Data: []inventory.Product{}}
	text := strings.ToLower(r.Query)
	for _, p := range all {
		if strings.Contains(strings.ToLower(p.Name), text) || strings.Contains(strings.ToLower(p.Code), text) {
			found.Data = append(found.Data, visible(ctx, p))
		}
	}
	return found, nil
}

// Get gives one product.
func (s *Service) Get(ctx context.Context, r inventory.GetRequest) (inventory.Product, error) {
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) (inventory.Product, error) { return findProduct(tx, r.Category, r.Code) })
	return visible(ctx, found), err
}

// maxOnHand is far above any stock, and far below what arithmetic on it could overflow.
const maxOnHand = 1_000_000_000

// Adjust changes what is on hand by a delta, and records why.
func (s *Service) Adjust(ctx context.Context, r inventory.AdjustRequest) (inventory.Product, error) {
	if err := s.Store.Room(); err != nil {
		return inventory.Product{}, err
	}
	after, err := database.Write(ctx, s.Store, func(tx database.Tx) (p inventory.Product, err error) {
		if p, err = findProduct(tx, r.Category, r.Code); err != nil {
			return p, err
		}
		before, reserved := *p.OnHand, *p.Reserved
		after := before + r.Delta
		switch {
		case r.Expected != nil && *r.Expected != before:
			return p, fault.New(fault.PreconditionFailed, "There are %d on hand, not %d: look again and adjust from there.", before, *r.Expected)
		case after > maxOnHand:
			return p, fault.Invalid(fault.Field{Code: fault.OutOfRange, Pointer: "/delta", Detail: "would take the stock above what the inventory can hold"})
		case after < reserved:
			return p, fault.Conflicting(inventory.OutOfStock, "Only %d of %s/%s are free; %d on hand are reserved for orders.", p.Available, r.Category, r.Code, reserved).
				With(fault.Field{Code: fault.NotEnough, Pointer: "/delta", Detail: "takes more than is free", Figures: []fault.Figure{{Name: "requested", Value: -r.Delta}, {Name: "available", Value: p.Available}}})
		}
		if err := database.ChangeOne(tx, `UPDATE products SET on_hand = $1 WHERE category = $2 AND code = $3 AND on_hand = $4 AND reserved <= $1`,
			after, r.Category, r.Code, before); err != nil {
			return p, err
		}
		p.OnHand, p.Available = &after, after-reserved
		return p, movement{category: r.Category, code: r.Code, kind: "adjust", onHand: r.Delta, by: actorOf(ctx, ""), reason: r.Reason}.record(tx, s.Now())
	})
	return visible(ctx, after), err
}

// visible is the product as far as the caller may see it.
func visible(ctx context.Context, p inventory.Product) inventory.Product {
	if !identity.From(ctx).Scopes.Has(inventory.ManageInventory) {
		p.OnHand, p.Reserved = nil, nil
	}
	return p
}

const selectProduct = `SELECT category, code, name, amount, currency, on_hand - reserved, on_hand, reserved FROM products`

func scanProduct(row database.Row) (p inventory.Product, err error) {
	err = row.Scan(&p.Category, &p.Code, &p.Name, &p.Price.Amount, &p.Price.Currency, &p.Available, &p.OnHand, &p.Reserved)
	return p, err
}

// maxRepeated is the longest name of a product in bytes that an answer repeats: more than any product has.
const maxRepeated = 512

// findProduct gives one product, or not_found.
func findProduct(tx database.Tx, category, code string) (inventory.Product, error) {
	p, found, err := database.Find(tx, scanProduct, selectProduct+` WHERE category = $1 AND code = $2`, category, code)
	switch {
	case err != nil || found:
		return p, err
	case len(category)+len(code) > maxRepeated:
		return p, fault.New(fault.NotFound, "There is no such product.")
	}
	return p, fault.New(fault.NotFound, "There is no product %s/%s.", category, code)
}

// HasProducts says whether there is any product.
func (s *Service) HasProducts(ctx context.Context) (bool, error) {
	return database.Read(ctx, s.Store, func(tx database.Tx) (bool, error) {
		_, found, err := database.Find(tx, database.Column[int], `SELECT 1 FROM products LIMIT 1`)
		return found, err
	})
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
