package internal

import (
	"context"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// maxOnHand is far above any stock, and far below what arithmetic on it could overflow.
const maxOnHand = 1_000_000_000

// Adjust changes what is on hand by a delta, and records why.
func (s *Service) Adjust(ctx context.Context, r inventory.AdjustRequest) (inventory.Product, error) {
	principal := identity.From(ctx)
	var after product
	err := s.store.Write(ctx, func(tx database.Tx) error {
		before, found, err := findProduct(tx, r.Category, r.Code)
		switch {
		case err != nil:
			return err
		case !found:
			return productNotFound(r.Category, r.Code)
		case r.Expected != nil && *r.Expected != before.onHand:
			return fault.New(fault.PreconditionFailed, "There are %d on hand, not %d: look again and adjust from there.", before.onHand, *r.Expected)
		case before.onHand+r.Delta > maxOnHand:
			return fault.Invalid(fault.Field{Pointer: "/delta", Detail: "would take the stock above what the inventory can hold"})
		case before.onHand+r.Delta < before.reserved:
			requested, available := -r.Delta, before.available()
			return fault.Conflicting("out-of-stock", "Only %d of %s/%s are free; %d on hand are reserved for orders.",
				available, r.Category, r.Code, before.reserved).
				With(fault.Field{Pointer: "/delta", Detail: "takes more than is free", Figures: []fault.Figure{{Name: "requested", Value: requested}, {Name: "available", Value: available}}})
		}
		after = before
		after.onHand += r.Delta
		err = database.ChangeOne(tx, `UPDATE products SET on_hand = $1 WHERE category = $2 AND code = $3 AND on_hand = $4 AND reserved <= $1`,
			after.onHand, r.Category, r.Code, before.onHand)
		if err != nil {
			return err
		}
		return movement{category: r.Category, code: r.Code, kind: "adjust", onHand: r.Delta, by: principal.Subject, reason: r.Reason}.record(tx, s.now())
	})
	if err != nil {
		return inventory.Product{}, err
	}
	return after.viewFor(principal), nil
}
