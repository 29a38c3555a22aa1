package internal

import (
	"context"
	"fmt"
	"time"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
)

// Put sets what a product is and how many are on hand, and records the difference.
func (s *Service) Put(ctx context.Context, r inventory.PutRequest) (inventory.PutResponse, error) {
	if err := s.Store.Room(); err != nil {
		return inventory.PutResponse{}, err
	}
	line := inventory.StockLine{Category: r.Category, Code: r.Code, Name: r.Name, Price: r.Price, OnHand: r.OnHand}
	return database.Write(ctx, s.Store, func(tx database.Tx) (inventory.PutResponse, error) {
		done, err := put(tx, line, actorOf(ctx, ""), s.Now())
		if err == nil && r.IfNoneMatch != "" && !done.added {
			err = fault.New(fault.PreconditionFailed, "There is a product %s/%s already.", r.Category, r.Code)
		}
		p := done.after
		return inventory.PutResponse{
			Category: p.Category, Code: p.Code, Name: p.Name, Price: p.Price, Available: p.Available, OnHand: *r.OnHand, Reserved: done.reserved, Created: done.added,
		}, err
	})
}

// setting is what has become of a product that was set.
type setting struct {
	after          inventory.Product // without OnHand and Reserved
	reserved       int64
	added, changed bool
}

// put sets a product. Numbers are given.
func put(tx database.Tx, line inventory.StockLine, by actor, now time.Time) (done setting, err error) {
	before, found, err := database.Find(tx, scanProduct, selectProduct+` WHERE category = $1 AND code = $2`, line.Category, line.Code)
	if err != nil {
		return done, err
	}
	change := movement{category: line.Category, code: line.Code, kind: "adjust", by: by, reason: "The stock was set."}
	if !found {
		before.OnHand, before.Reserved = new(int64), new(int64)
		change.reason = "The product was added."
		if _, err := tx.Exec(`INSERT INTO products (category, code, name, amount, currency, opening, on_hand) VALUES ($1, $2, $3, 0, $4, 0, 0)`,
			line.Category, line.Code, line.Name, line.Price.Currency); err != nil {
			return done, err
		}
	}
	onHand, reserved := *line.OnHand, *before.Reserved
	if onHand < reserved {
		return done, fault.Conflicting(inventory.OutOfStock, "%d of %s/%s are reserved for orders: no fewer can be on hand.", reserved, line.Category, line.Code).
			With(fault.Field{Code: fault.OutOfRange, Pointer: "/on_hand", Detail: fmt.Sprintf("is less than the %d that are reserved", reserved)})
	}
	if err := database.ChangeOne(tx, `UPDATE products SET name = $1, amount = $2, currency = $3, on_hand = $4 WHERE category = $5 AND code = $6`,
		line.Name, *line.Price.Amount, line.Price.Currency, onHand, line.Category, line.Code); err != nil {
		return done, err
	}
	done = setting{
		after: inventory.Product{
			Category: line.Category, Code: line.Code, Name: line.Name, Available: onHand - reserved,
			Price: inventory.Price{Amount: *line.Price.Amount, Currency: line.Price.Currency},
		},
		reserved: reserved, added: !found,
	}
	change.onHand = onHand - *before.OnHand
	done.changed = change.onHand != 0 || before.Name != line.Name || before.Price != done.after.Price
	if change.onHand == 0 {
		return done, nil
	}
	return done, change.record(tx, now)
}
