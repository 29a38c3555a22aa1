package internal

import (
	"context"
	"encoding/base64"

	"github.com/google/uuid"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

const (
	defaultLimit = 20
	aboveAllKeys = "g" // sorts after every hexadecimal digit, in every language; a symbol would not

	// maxPage is where a page ends although its limit is not reached, in bytes of its answer: a full page of ordinary
	// orders is a tenth of it, and four of the largest ones fit.
	maxPage = 256 << 10
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
			return order.Orders{}, fault.New(fault.Malformed, "The parameter after must be the next of an earlier page.").
				With(fault.Field{Code: fault.WrongForm, Parameter: "after", Detail: "must be the next of an earlier page"})
		}
		after = string(key)
	}
	principal := identity.From(ctx)
	query, args := selectOrder+` WHERE owner = $1 AND key < $2 ORDER BY key DESC LIMIT $3`, []any{principal.Subject, after, limit + 1}
	if principal.Scopes.Has(order.ViewOrders) {
		query, args = selectOrder+` WHERE key < $1 ORDER BY key DESC LIMIT $2`, args[1:]
	}
	return database.Read(ctx, s.Store, func(tx database.Tx) (order.Orders, error) { return readPage(tx, limit, query, args) })
}

// readPage reads orders until the page has its limit or its size; one row more shows that there are others.
func readPage(tx database.Tx, limit int, query string, args []any) (order.Orders, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return order.Orders{}, err
	}
	defer func() { _ = rows.Close() }() // an error of reading is Err's
	page, last, left := order.Orders{Data: []order.Order{}}, "", maxPage
	for rows.Next() {
		r, err := scanOrder(rows)
		if err != nil {
			return order.Orders{}, err
		}
		left -= sizeOf(r.Order)
		if len(page.Data) == limit || len(page.Data) > 0 && left < 0 {
			page.HasMore, page.Next = true, new(base64.RawURLEncoding.EncodeToString([]byte(last)))
			return page, nil
		}
		page.Data, last = append(page.Data, r.Order), r.key
	}
	return page, rows.Err()
}

// sizeOf is about how many bytes an order takes in an answer.
func sizeOf(o order.Order) int {
	const order, item = 250, 40 // the members' names, numbers and times
	size := order + len(o.Name) + len(o.Owner)
	for _, i := range o.Items {
		size += item + len(i.Category) + len(i.Code)
	}
	return size
}
