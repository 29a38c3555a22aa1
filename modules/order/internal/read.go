package internal

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Get gives one order as far as the caller may see it.
func (s *Service) Get(ctx context.Context, r order.GetRequest) (order.Order, error) {
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) (orderRow, error) { return findByID(tx, r.ID) })
	if err != nil {
		return order.Order{}, err
	}
	principal := identity.From(ctx)
	switch {
	case principal.Scopes.Has(order.ViewOrders), principal.Subject != "" && principal.Subject == found.owner:
		view := found.fullView()
		view.ETag = found.etag("full")
		return view, nil
	case s.PublicRead && (found.status == order.StatusConfirmed || found.status == order.StatusFulfilled):
		return order.Order{ID: found.id, Name: found.content.name, Items: found.content.items, ETag: found.etag("public")}, nil
	}
	return order.Order{}, orderNotFound(r.ID)
}

// fullView is what the owner and view_orders see.
func (r orderRow) fullView() order.Order {
	return order.Order{
		ID: r.id, Name: r.content.name, Items: r.content.items, Status: r.status, Owner: r.owner, Version: r.version,
		CreatedAt: &r.createdAt, UpdatedAt: &r.updatedAt,
	}
}

// etag names one view of one version of one order. The key is in it because ids come back.
func (r orderRow) etag(view string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", r.key, view, r.version))
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

const (
	defaultLimit = 20
	aboveAllKeys = "g" // sorts after every hexadecimal digit, in every language; a symbol would not
)

// List gives a page of the caller's own orders, or of everybody's.
func (s *Service) List(ctx context.Context, r order.ListRequest) (order.Orders, error) {
	limit, after := defaultLimit, aboveAllKeys
	if r.Limit != nil {
		limit = int(*r.Limit)
	}
	if r.After != "" {
		key, err := base64.RawURLEncoding.DecodeString(r.After)
		if err != nil || uuid.Validate(string(key)) != nil {
			return order.Orders{}, fault.New(fault.Malformed, "The parameter after must be the next of an earlier page.")
		}
		after = string(key)
	}
	principal := identity.From(ctx)
	query, args := selectOrder+` WHERE owner = $1 AND key < $2 ORDER BY key DESC LIMIT $3`, []any{principal.Subject, after, limit + 1}
	if principal.Scopes.Has(order.ViewOrders) {
		query, args = selectOrder+` WHERE key < $1 ORDER BY key DESC LIMIT $2`, args[1:]
	}
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) ([]orderRow, error) {
		return database.Collect(tx, scanOrder, query, args...)
	})
	if err != nil {
		return order.Orders{}, err
	}
	page := order.Orders{Data: []order.Order{}}
	if page.HasMore = len(found) > limit; page.HasMore {
		found = found[:limit]
		page.Next = new(base64.RawURLEncoding.EncodeToString([]byte(found[limit-1].key)))
	}
	for _, r := range found {
		page.Data = append(page.Data, r.fullView())
	}
	return page, nil
}
