// Package ui is the part of the gateway that people look at: every page under /ui/.
//
// It holds no rule and no data of orders and stock. A page is an operation of a module, called as the user whose
// session the request carries, and its answer in words; what the module refuses, the page explains. The basket lives
// in the user's browser until it is sent.
package ui

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	"oms/platform/identity"
	"oms/web"
)

// User is who is signed in.
type User struct {
	Subject string
	Name    string          // for people
	Scopes  identity.Scopes // what pages offer; the modules decide what is done
}

// Options are what the pages need. Orders and Inventory are called with the request's context, which carries the session;
// Accounts is called for the gateway itself, and told the session.
type Options struct {
	Orders    order.Service
	Inventory inventory.Service
	Accounts  sts.Service
	// User says whose session a request's context carries. The zero User is nobody: there is no session. Where there was
	// one and it does not hold any more, the error is a fault of code unauthenticated.
	User      func(context.Context) (User, error)
	Log       *slog.Logger
	Now       func() time.Time
	PublicURL string // without a slash at its end
}

// Pages are everything under /ui/.
type Pages struct{ Options }

// New makes the pages.
func New(o Options) *Pages { return &Pages{o} }

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

	{http.MethodGet, addingPath, "the form that adds a product", (*request).askProduct},
	{http.MethodPost, productsPath, "the shop with one more product, or why it was not added", (*request).addProduct},

	{http.MethodGet, accountPath, "who is signed in, since when, and with how many browsers", (*request).showAccount},
	{http.MethodPost, accountPath + "/sign-out", "the sign-in page, after the user was signed out everywhere", (*request).signOutEverywhere},
}

// request is one request of somebody who is signed in.
type request struct {
	*Pages
	w      http.ResponseWriter
	r      *http.Request
	user   User
	basket basket
}

func (q *request) ctx() context.Context { return q.r.Context() }

// trace is the id under which the log knows the request.
func (q *request) trace() string { return identity.From(q.ctx()).Transaction }

func (q *request) may(scope string) bool { return q.user.Scopes.Has(scope) }

// serve lets in who is signed in. An error keeps what is known of the request, for the page that explains it.
func (p *Pages) serve(handle handler) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := &request{Pages: p, w: w, r: r}
		err := q.enter()
		if err == nil {
			err = handle(q)
		}
		if err != nil {
			return &failedError{q, err}
		}
		return nil
	}
}

// failedError is why a request has failed that a page has begun to answer.
type failedError struct {
	request *request
	cause   error
}

func (f *failedError) Error() string { return f.cause.Error() }

func (f *failedError) Unwrap() error { return f.cause }

// enter finds out whose request this is.
func (q *request) enter() error {
	user, err := q.User(q.ctx())
	if err != nil {
		return err
	}
	if user.Subject == "" {
		return errSignedOut
	}
	q.user, q.basket = user, readBasket(q.r, user.Subject)
	return nil
}

// frame is what the layout shows around a page. It takes the notice: it is shown once.
func (q *request) frame(title, section string) web.Frame {
	if q.user.Subject == "" {
		return web.Frame{Title: title}
	}
	return web.Frame{Title: title, Section: section, User: q.user.Name, Basket: q.basket.pieces(), Notice: takeNotice(q.w, q.r)}
}

// show answers with a page.
func (q *request) show(status int, page string, data web.Page) error {
	return web.Render(q.w, q.r, status, page, data)
}

// redirect answers with another page's address, where the notice is shown.
func (q *request) redirect(to string, notice web.Notice) error {
	setNotice(q.w, notice)
	http.Redirect(q.w, q.r, to, http.StatusSeeOther)
	return nil
}

// here is the page to come back to after signing in: this one where it can be asked for again, else the one whose form
// was sent.
func (q *request) here() string {
	id := q.r.PathValue("id")
	switch {
	case q.r.Method == http.MethodGet, q.r.Method == http.MethodHead:
		return q.r.URL.RequestURI()
	case id != "":
		return orderPath(id)
	case strings.HasPrefix(q.r.URL.Path, accountPath):
		return accountPath
	case strings.HasPrefix(q.r.URL.Path, productsPath):
		return addingPath
	}
	return "/ui/basket"
}

// orderPath is the page of an order.
func orderPath(id string) string { return "/ui/orders/" + url.PathEscape(id) }
