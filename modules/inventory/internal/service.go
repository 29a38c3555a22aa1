// Package internal holds the rules and the storage of the inventory. It trusts no check of its callers: that a row
// has authorised a call says who may make it, not that its content makes sense.
package internal

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Service implements [inventory.Service] on its own database. It is safe for concurrent use.
type Service struct {
	store database.Store
	now   func() time.Time
}

var _ inventory.Service = (*Service)(nil)

// New makes the service of a database; now tells the time of movements.
func New(store database.Store, now func() time.Time) *Service {
	return &Service{store, now}
}

// maxFilter is the longest text in bytes that is looked for: more than any name.
const maxFilter = 800

// List gives the products that are asked for.
func (s *Service) List(ctx context.Context, r inventory.ListRequest) (inventory.Products, error) {
	if len(r.Category) > maxFilter || len(r.Query) > maxFilter {
		return inventory.Products{}, fault.New(fault.Malformed, "The parameters category and q have at most %d bytes.", maxFilter)
	}
	found := inventory.Products{Data: []inventory.Product{}}
	err := s.store.Read(ctx, func(tx database.Tx) error {
		rows, err := tx.Query(selectProduct+` WHERE $1 = '' OR category = $1 ORDER BY category, code`, r.Category)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			p, err := scanProduct(rows)
			if err != nil {
				return err
			}
			if p.matches(r.Query) {
				found.Data = append(found.Data, p.seenBy(identity.From(ctx)))
			}
		}
		return rows.Err()
	})
	return found, err
}

// Get gives one product.
func (s *Service) Get(ctx context.Context, r inventory.GetRequest) (inventory.Product, error) {
	var found product
	err := s.store.Read(ctx, func(tx database.Tx) (err error) {
		found, err = findProduct(tx, r.Category, r.Code)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return inventory.Product{}, noProduct(r.Category, r.Code)
	}
	return found.seenBy(identity.From(ctx)), err
}

func noProduct(category, code string) error {
	if len(category)+len(code) > maxFilter { // not worth repeating
		return fault.New(fault.NotFound, "There is no such product.")
	}
	return fault.New(fault.NotFound, "There is no product %s/%s.", category, code)
}
