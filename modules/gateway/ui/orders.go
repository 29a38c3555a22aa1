package ui

import (
	"net/http"
	"strings"

	"oms/modules/order"
	"oms/web"
)

// ordersPage is the data of the page "orders".
type ordersPage struct {
	web.Frame
	order.Orders
	All   bool   // everybody's, with their owners
	After string // the page before this one ended there; "" is the newest
}

// Pieces is how much is in an order altogether.
func (ordersPage) Pieces(o order.Order) int64 { return pieces(o.Items) }

func (q *request) listOrders() error {
	after := q.r.URL.Query().Get("after")

	list, err := q.Orders.List(q.ctx(), order.ListRequest{After: after})
	if err != nil {
		return err
	}

	page := ordersPage{Frame: q.frame("My orders", "orders"), Orders: list, All: q.may(order.ViewOrders), After: after}
	if page.All {
		page.Title = "All orders"
	}
	if after != "" {
		page.Title += ", older"
	}
	return q.show(http.StatusOK, "orders", page)
}

func pieces(items []order.Item) (sum int64) {
	for _, item := range items {
		sum += item.Qty
	}
	return sum
}

// orderPage is the data of the page "order".
type orderPage struct {
	web.Frame
	Order                order.Order
	Pieces               int64
	Away                 bool // the inventory is: items are shown by their codes
	ShowOwner            bool
	MayUpdate, MayCancel bool
	Curl                 string
	catalogue            catalogue
}

// NameOf is the name of an item's product, else its code.
func (p orderPage) NameOf(item order.Item) string { return p.catalogue.name(item.Category, item.Code) }

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
		Frame: q.frame(found.Name, "orders"), Order: found, Pieces: pieces(found.Items), Away: known == nil, catalogue: known,
		ShowOwner: q.may(order.ViewOrders),
		MayUpdate: open && q.may(order.UpdateOrder), MayCancel: open && q.may(order.CancelOrder), Curl: q.curl(found.ID),
	}
	page.Title = found.Name + " (" + found.ID + ")"
	return q.show(http.StatusOK, "order", page)
}

// curl is the line that reads the order. Ids need no quoting; the URL is the operator's.
func (q *request) curl(id string) string {
	return "curl --cacert data/pki/root.pem \\\n-H \"Authorization: Bearer $TOKEN\" \\\n'" + strings.ReplaceAll(q.PublicURL, "'", "") + "/order/" + id + "'"
}
