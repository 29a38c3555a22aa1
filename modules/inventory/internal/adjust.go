package internal

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

const (
	maxDelta  = 1_000_000     // as many as one order line can take
	maxOnHand = 1_000_000_000 // far above any stock, far below what arithmetic on it could overflow
	maxReason = 200           // characters, as for an order's name
)

// Adjust changes what is on hand by a delta, and records why.
func (s *Service) Adjust(ctx context.Context, r inventory.AdjustRequest) (inventory.Product, error) {
	if problems := checkAdjust(r); problems != nil {
		return inventory.Product{}, fault.Invalid(problems...)
	}
	principal := identity.From(ctx)
	var after product
	err := s.store.Write(ctx, func(tx database.Tx) error {
		before, err := findProduct(tx, r.Category, r.Code)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return noProduct(r.Category, r.Code)
		case err != nil:
			return err
		case r.Expected != nil && *r.Expected != before.onHand:
			return fault.New(fault.PreconditionFailed, "There are %d on hand, not %d: look again and adjust from there.", before.onHand, *r.Expected)
		case before.onHand+r.Delta > maxOnHand:
			return fault.Invalid(fault.Field{Pointer: "/delta", Detail: "would take the stock above what the inventory can hold"})
		case before.onHand+r.Delta < before.reserved:
			requested, available := -r.Delta, before.available()
			return fault.Conflicting("out-of-stock", "Only %d of %s/%s are free; %d on hand are reserved for orders.",
				available, r.Category, r.Code, before.reserved).
				With(fault.Field{Pointer: "/delta", Detail: "takes more than is free", Requested: &requested, Available: &available})
		}
		after = before
		after.onHand += r.Delta
		changed, err := tx.Exec(`UPDATE products SET on_hand = $1 WHERE category = $2 AND code = $3 AND on_hand = $4 AND reserved <= $1`,
			after.onHand, r.Category, r.Code, before.onHand)
		if err != nil {
			return err
		}
		if changed != 1 {
			return database.ErrRerun
		}
		return movement{category: r.Category, code: r.Code, kind: "adjust", onHand: r.Delta, by: principal.Subject, reason: r.Reason}.record(tx, s.now())
	})
	if err != nil {
		return inventory.Product{}, err
	}
	return after.seenBy(principal), nil
}

func checkAdjust(r inventory.AdjustRequest) (problems []fault.Field) {
	if r.Delta == 0 || r.Delta < -maxDelta || r.Delta > maxDelta {
		problems = append(problems, fault.Field{Pointer: "/delta", Detail: "must be between -1000000 and 1000000, and not 0"})
	}
	if utf8.RuneCountInString(r.Reason) > maxReason || strings.TrimSpace(r.Reason) == "" || strings.ContainsFunc(r.Reason, unicode.IsControl) {
		problems = append(problems, fault.Field{Pointer: "/reason", Detail: "must be 1 to 200 characters, none of them a control character"})
	}
	if r.Expected != nil && *r.Expected < 0 {
		problems = append(problems, fault.Field{Pointer: "/expected", Detail: "must not be negative"})
	}
	return problems
}
