// Package inventory is the contract of the inventory module: the products, how many of each are on hand, and how many
// of these are reserved for orders. It is all that another module sees of it.
//
// At all times 0 <= reserved <= on hand, for every product, and reserved is the sum of what live reservations hold.
package inventory

import (
	"context"

	"oms/platform/fault"
)

// ManageInventory is the scope of those who look after the stock.
const ManageInventory = "manage_inventory"

// OutOfStock is the conflict of who takes what is reserved.
var OutOfStock = fault.Kind{Name: "out-of-stock", Means: "Fewer of a product would be on hand than are reserved for orders, so nothing was changed. Cancel orders first, or leave as many as are reserved."}

// Service is the inventory. Its errors are *fault.Error; every method may fail with unavailable.
type Service interface {
	// List gives the products that are asked for, by category and code. Errors: malformed for an overlong filter.
	List(context.Context, ListRequest) (Products, error)
	// Get gives one product, or not_found.
	Get(context.Context, GetRequest) (Product, error)
	// Adjust changes how many there are on hand. Errors: invalid_argument; not_found; precondition_failed where
	// expected is not met; conflict out-of-stock where fewer would be on hand than are reserved.
	Adjust(context.Context, AdjustRequest) (Product, error)
	// Put sets the name, the price and the stock of a product, and adds it where there is none. Errors: invalid_argument;
	// precondition_failed where it should be new and is not; conflict out-of-stock where fewer would be on hand than are
	// reserved.
	Put(context.Context, PutRequest) (PutResponse, error)
	// Check says which lines Reserve would refuse now. It holds nothing and stores nothing: who asks first does not leave
	// a refusal behind. Errors: invalid_argument.
	Check(context.Context, CheckRequest) (Checked, error)
	// Reserve sets what is reserved under a key to the given lines, all or nothing: what an older revision holds is
	// swapped for it. The answer to a key and revision is definite: repeating the request repeats it, without another
	// effect. A key that was released is never live again, and an older revision never overrides a newer one.
	// Errors: invalid_argument, also where the same key and revision come with other lines.
	Reserve(context.Context, ReserveRequest) (Reservation, error)
	// Release gives back what is reserved under a key, for good. Releasing an unknown key leaves a tombstone.
	Release(context.Context, ReleaseRequest) (Reservation, error)
}

// ListRequest asks for the products of a category whose name or code contains a text, without regard to case. What is
// empty asks for everything.
type ListRequest struct {
	Category string `json:"category,omitempty" query:"category" maxLength:"800"`
	Query    string `json:"query,omitempty" query:"q" maxLength:"800"`
}

// Products is a list of products.
type Products struct {
	Data []Product `json:"data"`
}

// GetRequest names a product.
type GetRequest struct {
	Category string `json:"category" path:"category"`
	Code     string `json:"code" path:"code"`
}

// Product is a product and its stock. OnHand and Reserved are for [ManageInventory] alone.
type Product struct {
	Category  string `json:"category"`
	Code      string `json:"code"`
	Name      string `json:"name"`
	Price     Price  `json:"price"`
	Available int64  `json:"available"` // on hand and not reserved
	OnHand    *int64 `json:"on_hand,omitempty"`
	Reserved  *int64 `json:"reserved,omitempty"`
}

// Price is an amount of money.
type Price struct {
	Amount   int64  `json:"amount"`   // in minor units: 34999 is 349.99
	Currency string `json:"currency"` // ISO 4217
}

// AdjustRequest adds Delta to what is on hand.
type AdjustRequest struct {
	Category string `json:"category" path:"category"`
	Code     string `json:"code" path:"code"`
	Delta    int64  `json:"delta" minimum:"-1000000" maximum:"1000000" not:"0" mustBe:"between -1000000 and 1000000, and not 0"`
	Reason   string `json:"reason" minLength:"1" maxLength:"200" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 200 characters, none of them a control character"`
	Expected *int64 `json:"expected,omitempty" minimum:"0"` // on hand before; the adjustment is refused where it is not so
}

// PutRequest says how a product is to be. Its category and code name it for ever.
type PutRequest struct {
	Category string   `json:"category" path:"category" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 64 characters, none of them a control character"`
	Code     string   `json:"code" path:"code" minLength:"1" maxLength:"64" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 64 characters, none of them a control character"`
	Name     string   `json:"name" minLength:"1" maxLength:"200" pattern:"^\\P{Cc}*[^\\p{Cc}\\p{Z}]\\P{Cc}*$" mustBe:"1 to 200 characters, none of them a control character"`
	Price    PutPrice `json:"price"`
	OnHand   *int64   `json:"on_hand" minimum:"0" maximum:"1000000000"` // reserved or not
	// IfNoneMatch is "*" where the product must not be there yet (RFC 9110 section 13.1.2), else "".
	IfNoneMatch string `json:"if_none_match,omitempty" header:"If-None-Match" optional:"empty" pattern:"^[*]$" mustBe:"*, for a product that is not there yet"`
}

// PutPrice is a [Price] that has to be given: what is left out is not for nothing.
type PutPrice struct {
	Amount   *int64 `json:"amount" minimum:"0" maximum:"1000000000000"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$" mustBe:"three capital letters of ISO 4217, such as EUR"`
}

// Problems names the numbers that are missing.
func (r *PutRequest) Problems() []fault.Field { return missing("", r.Price, r.OnHand) }

// missing are the numbers that are not given of a product that stands at a pointer.
func missing(at string, price PutPrice, onHand *int64) (problems []fault.Field) {
	if price.Amount == nil {
		problems = append(problems, fault.Field{Code: fault.Required, Pointer: at + "/price/amount", Detail: "must be given"})
	}
	if onHand == nil {
		problems = append(problems, fault.Field{Code: fault.Required, Pointer: at + "/on_hand", Detail: "must be given"})
	}
	return problems
}

// PutResponse is the [Product] as it is now, member by member.
type PutResponse struct {
	Category  string `json:"category"`
	Code      string `json:"code"`
	Name      string `json:"name"`
	Price     Price  `json:"price"`
	Available int64  `json:"available"`
	OnHand    int64  `json:"on_hand"`
	Reserved  int64  `json:"reserved"`
	Created   bool   `json:"created" edge:"created"` // there was none before
}

// Line is a quantity of a product.
type Line struct {
	Category string `json:"category"`
	Code     string `json:"code"`
	Quantity int64  `json:"quantity" minimum:"1" maximum:"1000000"` // as many as an order line takes
}

// CheckRequest asks whether Lines could be held under Key.
type CheckRequest struct {
	Key   string `json:"key,omitempty" maxLength:"64"`      // what it holds counts as free; "" holds nothing
	Lines []Line `json:"lines" minItems:"1" maxItems:"100"` // as many as an order has
}

// Checked is the answer to Check: without problems, all lines could be had at that moment.
type Checked struct {
	Problems []Problem `json:"problems,omitempty"`
}

// ReserveRequest asks to hold Lines under Key. Lines of the same product are added up.
type ReserveRequest struct {
	Key      string `json:"key" minLength:"1" maxLength:"64"`
	Revision int64  `json:"revision" minimum:"1"`
	Lines    []Line `json:"lines" minItems:"1" maxItems:"100"` // as many as an order has
	By       string `json:"by"`                                // for whom the caller says that it acts; see Release
}

// ReleaseRequest asks to give back what is held under Key.
type ReleaseRequest struct {
	Key string `json:"key" minLength:"1" maxLength:"64"`
	// By is for whom the caller says that it acts. It is recorded as told where no user is behind the call; else the user
	// is, whatever By says.
	By string `json:"by"`
}

// Outcome says how a reservation stands.
type Outcome string

// The outcomes. Each is definite.
const (
	Reserved   Outcome = "reserved"   // all lines are held
	Refused    Outcome = "refused"    // nothing was changed; Problems says which lines stood in the way
	Released   Outcome = "released"   // the key is over: nothing is or will be held under it
	Superseded Outcome = "superseded" // a newer revision holds already; nothing was changed
)

// Reservation is the answer to Reserve and Release.
type Reservation struct {
	Outcome  Outcome   `json:"outcome"`
	Problems []Problem `json:"problems,omitempty"`
}

// Problem is why a line could not be reserved.
type Problem struct {
	Line      int   `json:"line"`                // its index in the request
	Unknown   bool  `json:"unknown,omitempty"`   // there is no such product; the other members are 0
	Requested int64 `json:"requested,omitempty"` // of the product, over all lines
	Available int64 `json:"available,omitempty"` // to this key: what is free, and what it holds already
}
