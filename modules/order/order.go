// Package order is the contract of the order module: who ordered what, and how that order stands. It is all that
// another module sees of it.
//
// An order and the stock never disagree: an order is confirmed only after inventory has reserved all of its items, and
// what inventory has not answered yet is told again until it has.
package order

import (
	"context"
	"time"

	"oms/platform/fault"
)

// The scopes of orders.
const (
	AddOrder    = "add_order"    // place one
	UpdateOrder = "update_order" // change anybody's
	CancelOrder = "cancel_order" // cancel anybody's
	ViewOrders  = "view_orders"  // see everybody's, in full
)

// The conflicts of orders.
var (
	OrderExists = fault.Kind{Name: "order-exists", Means: "The id of the new order is that of another live order: one that is pending, confirmed or fulfilled. " +
		"Nothing was changed. Choose another id, or leave it out to get one that nobody has."}
	OutOfStock = fault.Kind{Name: "out-of-stock", Means: "There is less of a product than the order asks for. All lines of an order go together, so nothing was changed. " +
		"Each entry of errors says which line it is, how many were requested and how many are available: lower the quantities, or wait for a delivery."}
	IllegalTransition = fault.Kind{Name: "illegal-transition", Means: "An order goes from pending to confirmed, and may end as cancelled or expired; only a confirmed one can be " +
		"updated or cancelled. Nothing was changed. Read the order to see its status."}
	UpdateInProgress = fault.Kind{Name: "update-in-progress", Means: "Another update of the same order is waiting for the inventory. Nothing of this one was done. " +
		"Read the order in a moment, then repeat your update if it still makes sense."}
)

// KeyHeader is the header of [CreateRequest.IdempotencyKey].
const KeyHeader = "Idempotency-Key"

// Service is the order module. Its errors are *fault.Error; every method may fail with unavailable.
type Service interface {
	// Create places an order. The same owner may repeat the request with the id of a live order and the same content, or
	// with the same idempotency key: the answer is that of the first time, with one order and one effect on the stock.
	// What is refused leaves no order behind. Errors: invalid_argument, also for an unknown product, and for an
	// idempotency key that named another request; conflict order-exists where the id is that of another live order;
	// conflict out-of-stock; unavailable while inventory has not answered: the order is pending then.
	Create(context.Context, CreateRequest) (Created, error)
	// Get gives the order of an id: the caller's own before anybody else's, then the live one, then the newest. Everybody
	// sees the id, the name and the items of confirmed and fulfilled orders (nothing where public reading is off); the
	// owner and view_orders see all of every order.
	// Errors: not_found, also for what the caller may not see.
	Get(context.Context, GetRequest) (Order, error)
	// List gives the caller's own orders, with view_orders everybody's, newest first.
	List(context.Context, ListRequest) (Orders, error)
	// Update replaces the name and the items of a confirmed order: all or nothing, and the old content is the truth
	// until inventory has answered. The same content again resumes an update. Of an id it means the live order, as Cancel
	// does.
	// Errors: invalid_argument; not_found; conflict update-in-progress, out-of-stock or illegal-transition; unavailable.
	Update(context.Context, UpdateRequest) (Updated, error)
	// Cancel ends a confirmed order and gives its stock back. Cancelling it again answers the same.
	// Errors: not_found; conflict illegal-transition; unavailable.
	Cancel(context.Context, CancelRequest) (Cancelled, error)
}

// Item is a quantity of a product.
type Item struct {
	Category string `json:"category" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 64 characters, none of them a control character"`
	Code     string `json:"code" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 64 characters, none of them a control character"`
	Qty      int64  `json:"qty" minimum:"1" maximum:"1000000"`
}

// CreateRequest asks for an order. Without an id it gets one that cannot be guessed.
type CreateRequest struct {
	ID    *string `json:"id,omitempty" pattern:"^([A-Za-z0-9_-][A-Za-z0-9._-]{0,63}|[.][A-Za-z0-9_-][A-Za-z0-9._-]{0,62}|[.][.][A-Za-z0-9._-]{1,62})$" mustBe:"1 to 64 of A-Z a-z 0-9 . _ - (and not . or ..)"`
	Name  string  `json:"name" minLength:"1" maxLength:"200" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 200 characters, none of them a control character"`
	Items []Item  `json:"items" minItems:"1" maxItems:"100"`
	// IdempotencyKey names this request for 24 hours, 1 to 255 visible ASCII characters: the same owner repeating it gets
	// the answer of the first time. "" is none.
	IdempotencyKey string `json:"idempotency_key,omitempty" header:"Idempotency-Key" optional:"empty" pattern:"^[!-~]{1,255}$" mustBe:"1 to 255 visible ASCII characters"`
	Show           bool   `json:"show,omitempty" prefer:"representation"` // the answer shall have the order
}

// Created confirms an order.
type Created struct {
	ID     string `json:"id" edge:"-"`
	Status string `json:"status"`
	Order  *Order `json:"order,omitempty" edge:"representation"` // as it is now and as far as the caller may see it, where that was asked for
}

// GetRequest names an order.
type GetRequest struct {
	ID string `json:"id" path:"id"`
}

// Status says how an order stands.
type Status string

// The states: pending to confirmed to fulfilled; pending to expired; confirmed to cancelled. An order that inventory does not
// have the items for is no order any more.
const (
	StatusPending   Status = "pending"   // waiting for inventory
	StatusConfirmed Status = "confirmed" // all of its items are reserved
	StatusFulfilled Status = "fulfilled" // the items have left the house
	StatusExpired   Status = "expired"   // inventory did not answer in time, and holds nothing for it
	StatusCancelled Status = "cancelled"
)

// Order is an order. The public sees ID, Name and Items alone.
type Order struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Items     []Item     `json:"items"`
	Status    Status     `json:"status,omitempty"`
	Owner     string     `json:"owner,omitempty"`
	Version   int64      `json:"version,omitempty"`
	CreatedAt *time.Time `json:"created_at,omitempty"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
	ETag      string     `json:"etag,omitempty" header:"ETag"` // of this view of this version
}

// ListRequest asks for a page of orders.
type ListRequest struct {
	Limit *int64 `json:"limit,omitempty" query:"limit" minimum:"1" maximum:"100" mustBe:"from 1 to 100"` // 20 where it is not said
	After string `json:"after,omitempty" query:"after"`                                                  // the Next of the page before
}

// Orders is a page of orders, newest first.
type Orders struct {
	Data    []Order `json:"data"`
	HasMore bool    `json:"has_more"`
	Next    *string `json:"next"` // what After takes, where there is more
}

// UpdateRequest replaces an order's content.
type UpdateRequest struct {
	ID    string `json:"id" path:"id"`
	Name  string `json:"name" minLength:"1" maxLength:"200" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 200 characters, none of them a control character"`
	Items []Item `json:"items" minItems:"1" maxItems:"100"`
	Show  bool   `json:"show,omitempty" prefer:"representation"` // as in [CreateRequest]
}

// Updated confirms an update.
type Updated struct {
	Status string `json:"status"`
	Order  *Order `json:"order,omitempty" edge:"representation"` // as in [Created]
}

// CancelRequest names an order to cancel.
type CancelRequest struct {
	ID   string `json:"id" path:"id"`
	Show bool   `json:"show,omitempty" prefer:"representation"` // as in [CreateRequest]
}

// Cancelled confirms a cancellation.
type Cancelled struct {
	Status string `json:"status"`
	Order  *Order `json:"order,omitempty" edge:"representation"` // as in [Created]
}
