package internal

import (
	"context"
	"fmt"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
)

// Put sets what a product is and how many are on hand, and records the difference.
func (s *Service) Put(ctx context.Context, r inventory.PutRequest) (inventory.PutResponse, error) {
	if err := s.Store.Room(); err != nil {
		return inventory.PutResponse{}, err
	}
	return database.Write(ctx, s.Store, func(tx database.Tx) (inventory.PutResponse, error) { return s.put(tx, r, actorOf(ctx, "")) })
}

// put is Put in a transaction.
func (s *Service) put(tx database.Tx, r inventory.PutRequest, by actor) (inventory.PutResponse, error) {
	before, found, err := database.Find(tx, scanProduct, selectProduct+` WHERE category = $1 AND code = $2`, r.Category, r.Code)
	if err != nil {
		return inventory.PutResponse{}, err
	}
	change := movement{category: r.Category, code: r.Code, kind: "adjust", by: by, reason: "The stock was set."}
	if !found {
		before.OnHand, before.Reserved = new(int64), new(int64)
		change.reason = "The product was added."
		if _, err := tx.Exec(`INSERT INTO products (category, code, name, amount, currency, opening, on_hand) VALUES ($1, $2, $3, 0, $4, 0, 0)`,
			r.Category, r.Code, r.Name, r.Price.Currency); err != nil {
			return inventory.PutResponse{}, err
		}
	}
	onHand, reserved := *r.OnHand, *before.Reserved
	if onHand < reserved {
		return inventory.PutResponse{}, fault.Conflicting("out-of-stock", "%d of %s/%s are reserved for orders: no fewer can be on hand.", reserved, r.Category, r.Code).
			With(fault.Field{Pointer: "/on_hand", Detail: fmt.Sprintf("is less than the %d that are reserved", reserved)})
	}
	if err := database.ChangeOne(tx, `UPDATE products SET name = $1, amount = $2, currency = $3, on_hand = $4 WHERE category = $5 AND code = $6`,
		r.Name, *r.Price.Amount, r.Price.Currency, onHand, r.Category, r.Code); err != nil {
		return inventory.PutResponse{}, err
	}
	after := inventory.PutResponse{
		Category: r.Category, Code: r.Code, Name: r.Name, Price: inventory.Price{Amount: *r.Price.Amount, Currency: r.Price.Currency},
		Available: onHand - reserved, OnHand: onHand, Reserved: reserved, Created: !found,
	}
	if change.onHand = onHand - *before.OnHand; change.onHand == 0 {
		return after, nil
	}
	return after, change.record(tx, s.Now())
}
