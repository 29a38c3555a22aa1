package internal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/rpc"
)

// Operators implements [inventory.Operators] on the module's database.
type Operators struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
}

// Import sets products in one transaction.
func (o Operators) Import(ctx context.Context, r inventory.ImportRequest) (inventory.Imported, error) {
	if err := o.Store.Room(); err != nil {
		return inventory.Imported{}, err
	}
	by := actorOf(ctx, "")
	return database.Write(ctx, o.Store, func(tx database.Tx) (all inventory.Imported, err error) {
		var refused *fault.Error
		for i, line := range r.Lines {
			done, err := put(tx, line, by, o.Now())
			switch failure, short := errors.AsType[*fault.Error](err); {
			case short:
				refused = together(refused, failure, i)
			case err != nil:
				return all, err
			case done.added:
				all.Added++
			case done.changed:
				all.Changed++
			default:
				all.Same++
			}
		}
		if refused != nil {
			return all, refused
		}
		return all, nil
	})
}

// together adds what was refused of a line to what was refused of others.
func together(all, one *fault.Error, line int) *fault.Error {
	if all == nil {
		all = fault.Conflicting(inventory.OutOfStock, "More is reserved for orders than would be on hand, so nothing was changed; each line is listed in errors.")
	}
	for _, field := range one.Fields {
		field.Pointer = fmt.Sprintf("/lines/%d%s", line, field.Pointer)
		all = all.With(field)
	}
	return all
}

// Export gives all products.
func (o Operators) Export(ctx context.Context, _ inventory.ExportRequest) (inventory.Stock, error) {
	all, err := database.Read(ctx, o.Store, func(tx database.Tx) ([]inventory.Product, error) {
		return database.Collect(tx, scanProduct, selectProduct+` ORDER BY category, code`)
	})
	return inventory.Stock{Data: append([]inventory.Product{}, all...)}, err
}
