package ui

import (
	"net/http"
	"strings"
	"time"

	"oms/modules/order"
	"oms/web"
)

// ordersPage is the data of the page "orders".
type ordersPage struct {
	web.Frame
	Orders []orderRow
	All    bool   // everybody's, with their owners
	After  string // the page before this one ended there; "" is the newest
	Next   string // where older orders begin; "" is the end
}

// orderRow is an order in the list.
type orderRow struct {
	ID, Name, Owner string
	Status          status
	Pieces          int64
	CreatedAt       *time.Time
}

func (q *request) listOrders() error {
	after := q.r.URL.Query().Get("after")

	list, err := q.Orders.List(q.ctx(), order.ListRequest{After: after})
	if err != nil {
		return err
	}

	page := ordersPage{Frame: q.frame("My orders", "orders"), All: q.may(order.ViewOrders), After: after}
	if page.All {
		page.Title = "All orders"
	}
	if after != "" {
		page.Title += ", older"
	}
	if list.Next != nil {
		page.Next = *list.Next
	}
	for _, o := range list.Data {
		page.Orders = append(page.Orders, orderRow{o.ID, o.Name, o.Owner, status(o.Status), pieces(o.Items), o.CreatedAt})
	}
	return q.show(http.StatusOK, "orders", page)
}

func pieces(items []order.Item) (sum int64) {
	for _, item := range items {
		sum += item.Qty
	}
	return sum
}

// status is how an order stands, in words.
type status order.Status

// Text is the word on the badge.
func (s status) Text() string { return label(string(s)) }

// Means is a sentence that says what it means.
func (s status) Means() string {
	switch order.Status(s) {
	case order.StatusPending:
		return "We are waiting for the stock to answer. Look again in a moment."
	case order.StatusConfirmed:
		return "Everything in it is reserved."
	case order.StatusFulfilled:
		return "The items have left the house."
	case order.StatusRejected:
		return "There was not enough stock, so nothing was ordered and nothing is reserved."
	case order.StatusExpired:
		return "The stock did not answer in time, so the order was given up. Nothing is reserved."
	case order.StatusCancelled:
		return "It was cancelled, and its items are back in stock."
	}
	return ""
}

// orderPage is the data of the page "order".
type orderPage struct {
	web.Frame
	Order                order.Order
	Status               status
	Items                []itemView
	Pieces               int64
	Away                 bool // the inventory is: items are shown by their codes
	Full                 bool // not only what everybody may see
	ShowOwner            bool
	MayUpdate, MayCancel bool
	Curl                 string
}

// itemView is an item with the name of its product.
type itemView struct {
	Category, Code, Name string
	Qty                  int64
}

func (q *request) showOrder() error {
	found, err := q.Orders.Get(q.ctx(), order.GetRequest{ID: q.r.PathValue("id")})
	if err != nil {
		return err
	}
	known, err := q.products()
	if err != nil {
		return err
	}

	open := found.Status == order.StatusConfirmed
	page := orderPage{
		Frame: q.frame(found.Name, "orders"), Order: found, Status: status(found.Status), Pieces: pieces(found.Items), Away: known == nil,
		Full: found.Status != "", ShowOwner: q.may(order.ViewOrders),
		MayUpdate: open && q.may(order.UpdateOrder), MayCancel: open && q.may(order.CancelOrder), Curl: q.curl(found.ID),
	}
	page.Title = found.Name + " (" + found.ID + ")"
	for _, item := range found.Items {
		page.Items = append(page.Items, itemView{item.Category, item.Code, known.name(item.Category, item.Code), item.Qty})
	}
	return q.show(http.StatusOK, "order", page)
}

// curl is the line that reads the order. Ids need no quoting; the URL is the operator's.
func (q *request) curl(id string) string {
	return "curl --cacert data/pki/root.pem \\\n-H \"Authorization: Bearer $TOKEN\" \\\n'" + strings.ReplaceAll(q.PublicURL, "'", "") + "/order/" + id + "'"
}
