package ui

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/web"
)

// visit is one request of somebody who is signed in.
type visit struct {
	*ui
	w      http.ResponseWriter
	r      *http.Request
	user   User
	basket basket
	notice web.Notice // of the request before
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// trace is the id under which the log knows the request.
func (v *visit) trace() string { return identity.From(v.ctx()).Transaction }

func (v *visit) may(scope string) bool { return v.user.Scopes.Has(scope) }

// serve lets in who is signed in, and answers with a page whatever happens.
func (u *ui) serve(byMethod map[string]handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{ui: u, w: w, r: r}
		handle := byMethod[r.Method]
		if handle == nil && r.Method == http.MethodHead {
			handle = byMethod[http.MethodGet]
		}
		err := v.enter()
		switch {
		case handle == nil:
			w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(byMethod)), ", "))
			err = fault.New(fault.MethodNotAllowed, "This page does not take this method.")
		case err == nil:
			err = handle(v)
		}
		if err != nil {
			v.fail(err)
		}
	}
}

// enter finds out whose visit this is.
func (v *visit) enter() error {
	user, err := v.User(v.ctx())
	if err != nil {
		return err
	}
	if user.Subject == "" {
		return errSignedOut
	}
	v.user, v.basket = user, readBasket(v.r, user.Subject)
	return nil
}

// unknown answers for paths that are no page, to everybody.
func (u *ui) unknown(w http.ResponseWriter, r *http.Request) {
	v := &visit{ui: u, w: w, r: r}
	_ = v.enter() // the page is the same for all; only its header knows who is signed in
	v.fail(fault.New(fault.NotFound, "There is nothing at this path."))
}

// foreign answers for forms that another site has sent.
func (u *ui) foreign(w http.ResponseWriter, r *http.Request) {
	v := &visit{ui: u, w: w, r: r}
	v.fail(fault.New(fault.PermissionDenied, "Another site has sent this form."))
}

// frame is what the layout shows around a page. It takes the notice: it is shown once.
func (v *visit) frame(title, section string) web.Frame {
	if v.user.Subject == "" {
		return web.Frame{Title: title}
	}
	v.notice = takeNotice(v.w, v.r)
	return web.Frame{Title: title, Section: section, User: v.user.Name, Basket: v.basket.pieces(), Notice: v.notice}
}

// show answers with a page.
func (v *visit) show(status int, page string, data web.Page) error {
	return web.Render(v.w, v.r, status, page, data)
}

// leave answers with another page's address, where text is told.
func (v *visit) leave(to string, notice web.Notice) error {
	leaveNotice(v.w, notice)
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// here is the page to come back to after signing in: this one where it can be asked for again, else the one whose form
// was sent.
func (v *visit) here() string {
	id := v.r.PathValue("id")
	switch {
	case v.r.Method == http.MethodGet, v.r.Method == http.MethodHead:
		return v.r.URL.RequestURI()
	case id != "":
		return orderPath(id)
	}
	return "/ui/basket"
}

// orderPath is the page of an order.
func orderPath(id string) string { return "/ui/orders/" + url.PathEscape(id) }
