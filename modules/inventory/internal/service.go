// Package internal holds the rules and the storage of the inventory. It trusts no check of its callers: that a row
// has authorised a call says who may make it, not that its content makes sense.
package internal

import (
	"context"
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
	all, err := database.Read(ctx, s.store, func(tx database.Tx) ([]product, error) {
		return database.Collect(tx, scanProduct, selectProduct+` WHERE $1 = '' OR category = $1 ORDER BY category, code`, r.Category)
	})
	if err != nil {
		return inventory.Products{}, err
	}
	found := inventory.Products{Data: []inventory.Product{}}
	for _, p := range all {
		if p.matches(r.Query) {
			found.Data = append(found.Data, p.viewFor(identity.From(ctx)))
		}
	}
	return found, nil
}

// Get gives one product.
func (s *Service) Get(ctx context.Context, r inventory.GetRequest) (inventory.Product, error) {
	found, err := database.Read(ctx, s.store, func(tx database.Tx) (product, error) {
		p, found, err := findProduct(tx, r.Category, r.Code)
		if err == nil && !found {
			err = productNotFound(r.Category, r.Code)
		}
		return p, err
	})
	if err != nil {
		return inventory.Product{}, err
	}
	return found.viewFor(identity.From(ctx)), nil
}

func productNotFound(category, code string) error {
	if len(category)+len(code) > maxFilter { // not worth repeating
		return fault.New(fault.NotFound, "There is no such product.")
	}
	return fault.New(fault.NotFound, "There is no product %s/%s.", category, code)
}
