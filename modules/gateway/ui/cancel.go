package ui

import (
	"net/http"

	"oms/modules/order"
	"oms/platform/fault"
	"oms/web"
)

// cancelPage is the data of the page "cancel".
type cancelPage struct {
	web.Frame
	Order  order.Order
	Pieces int64
}

func (q *request) askCancel() error {
	found, err := q.changeable(order.CancelOrder)
	if err != nil {
		return err
	}
	return q.show(http.StatusOK, "cancel", cancelPage{q.frame("Cancel order "+found.ID, "orders"), found, pieces(found.Items)})
}

func (q *request) cancel() error {
	if _, err := q.decode(); err != nil {
		return err
	}

	id := q.r.PathValue("id")

	_, err := q.Orders.Cancel(q.ctx(), order.CancelRequest{ID: id})

	if err != nil {
		return q.unclear(fault.From(err), pendingPage{
			Frame: web.Frame{Title: "The order is not cancelled yet", Section: "orders"}, Action: orderPath(id) + "/cancel",
			Text:    "We did not get an answer in time. Press the button to ask again: cancelling an order twice is the same as once.",
			Waiting: "Cancelling…",
		})
	}
	to := orderPath(id)
	if !q.may(order.ViewOrders) {
		to = "/ui/orders" // a cancelled order is its owner's to see
	}
	return q.leave(to, web.Notice{Text: "The order is cancelled, and its items are back in stock."})
}
