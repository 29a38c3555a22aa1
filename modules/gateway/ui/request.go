package ui

import (
	"context"
	"net/http"
	"net/url"

	"oms/platform/identity"
	"oms/web"
)

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

// leave answers with another page's address, where text is told.
func (q *request) leave(to string, notice web.Notice) error {
	leaveNotice(q.w, notice)
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
	}
	return "/ui/basket"
}

// orderPath is the page of an order.
func orderPath(id string) string { return "/ui/orders/" + url.PathEscape(id) }
