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

func (v *visit) askCancel() error {
	found, err := v.changeable(order.CancelOrder)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "cancel", cancelPage{v.frame("Cancel order "+found.ID, "orders"), found, pieces(found.Items)})
}

func (v *visit) cancel() error {
	if _, err := v.decode(); err != nil {
		return err
	}

	id := v.r.PathValue("id")

	_, err := v.Orders.Cancel(v.ctx(), order.CancelRequest{ID: id})

	if err != nil {
		return v.unclear(fault.From(err), pendingPage{
			Frame: web.Frame{Title: "The order is not cancelled yet", Section: "orders"}, Action: orderPath(id) + "/cancel",
			Text:   "We did not get an answer in time. Press the button to ask again: cancelling an order twice is the same as once.",
			Button: "Try again", Waiting: "Cancelling…",
		})
	}
	to := orderPath(id)
	if !v.may(order.ViewOrders) {
		to = "/ui/orders" // a cancelled order is its owner's to see
	}
	return v.leave(to, web.Notice{Text: "The order is cancelled, and its items are back in stock."})
}
