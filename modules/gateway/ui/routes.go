package ui

import (
	"net/http"

	"oms/web"
)

// handler is what a page does, in four steps: decode, validate, call, respond.
type handler func(*request) error

// Route is a line of the gateway's table.
type Route struct {
	Method string // GET also serves HEAD
	Path   string
	Shows  string
	// Handle answers; for an error, [Pages.ShowFault] does. Members of the path are path values of the request.
	Handle func(http.ResponseWriter, *http.Request) error
}

// Routes are all pages, and the static files of package web.
func (p *Pages) Routes() (routes []Route) {
	for _, page := range pages {
		routes = append(routes, Route{page.method, page.path, page.shows, p.serve(page.handle)})
	}
	for _, url := range web.Assets() {
		routes = append(routes, Route{http.MethodGet, url, "a part of the pages", func(w http.ResponseWriter, r *http.Request) error {
			web.Static().ServeHTTP(w, r)
			return nil
		}})
	}
	return routes
}

// pages are all pages.
var pages = []struct {
	method, path string
	shows        string
	handle       handler
}{
	{http.MethodGet, "/ui/", "the shop: what there is, and how much of it", (*request).shop},

	{http.MethodGet, "/ui/basket", "the basket, and the form that places it as an order", (*request).showBasket},
	{http.MethodPost, "/ui/basket", "the basket, with other quantities", (*request).changeBasket},
	{http.MethodPost, "/ui/basket/add", "the page before, with one more line in the basket", (*request).addToBasket},

	{http.MethodGet, "/ui/orders", "the user's orders; everybody's to those who may view them", (*request).listOrders},
	{http.MethodPost, "/ui/orders", "the order that was placed, or why it was not", (*request).place},
	{http.MethodGet, "/ui/orders/{id}", "an order", (*request).showOrder},
	{http.MethodGet, "/ui/orders/{id}/edit", "the form that changes an order", (*request).showEdit},
	{http.MethodPost, "/ui/orders/{id}/edit", "the order that was changed, or why it was not", (*request).edit},
	{http.MethodGet, "/ui/orders/{id}/cancel", "the question whether to cancel an order", (*request).askCancel},
	{http.MethodPost, "/ui/orders/{id}/cancel", "the order that was cancelled, or why it was not", (*request).cancel},
}
