package ui

import "net/http"

// handler is what a route does, in four steps: decode, validate, call, respond.
type handler func(*visit) error

// routes are all pages. Everything else under /ui/ is the static files of package web, or unknown.
var routes = []struct {
	method, pattern string
	shows           string
	handle          handler
}{
	{http.MethodGet, "/ui/{$}", "the shop: what there is, and how much of it", (*visit).shop},

	{http.MethodGet, "/ui/basket", "the basket, and the form that places it as an order", (*visit).showBasket},
	{http.MethodPost, "/ui/basket", "the basket, with other quantities", (*visit).changeBasket},
	{http.MethodPost, "/ui/basket/add", "the page before, with one more line in the basket", (*visit).addToBasket},

	{http.MethodGet, "/ui/orders", "the user's orders; everybody's to those who may view them", (*visit).listOrders},
	{http.MethodPost, "/ui/orders", "the order that was placed, or why it was not", (*visit).place},
	{http.MethodGet, "/ui/orders/{id}", "an order", (*visit).showOrder},
	{http.MethodGet, "/ui/orders/{id}/edit", "the form that changes an order", (*visit).showEdit},
	{http.MethodPost, "/ui/orders/{id}/edit", "the order that was changed, or why it was not", (*visit).edit},
	{http.MethodGet, "/ui/orders/{id}/cancel", "the question whether to cancel an order", (*visit).askCancel},
	{http.MethodPost, "/ui/orders/{id}/cancel", "the order that was cancelled, or why it was not", (*visit).cancel},
}
