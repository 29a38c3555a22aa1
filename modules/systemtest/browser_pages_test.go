package systemtest_test

import (
	"net/http"
	"testing"
)

// seen looks at the page that is open: it must be of this status, and its picture and its accessibility are judged.
func (b *browser) seen(what, axe string, status, want int) {
	b.Helper()
	if status != want {
		b.Errorf("%s: status %d, want %d (at %s)", what, status, want, b.where())
	}
	b.picture(what)
	b.judge(what, axe)
}

// card is the button of a demo user on the sign-in page.
func card(name string) string {
	return `form:has(input[type="hidden"][name="name"][value="` + name + `"]) button`
}

// add is the button of a product in the shop.
func add(code string) string { return `[data-product$="/` + code + `"] [data-add]` }

const (
	sonyCode = "SOWH1000XM4"
	bookCode = "978-1617295959"
)

func TestEveryPageInEveryLook(t *testing.T) {
	axe := axeCore(t)
	for _, l := range looks() {
		t.Run(l.String(), func(t *testing.T) {
			e := openEdge(t)
			b := openBrowser(t, e, l)
			b.seen("sign in", axe, b.visit("/"), http.StatusOK)
			b.fill("#name", "alice")
			b.fill("#password", "not hers")
			b.seen("sign in, refused", axe, b.press("form button"), http.StatusUnprocessableEntity)
			status := http.StatusUnprocessableEntity
			for guesses := 0; status == http.StatusUnprocessableEntity && guesses < 30; guesses++ { // a name may be guessed at some ten times
				b.fill("#name", "nobody")
				b.fill("#password", "a guess")
				status = b.press("form button")
			}
			b.seen("sign in, too often", axe, status, http.StatusTooManyRequests)
			customerPages(b, axe)
			b.press(`form[action="/oauth2/logout"] button`)
			adminPages(b, axe)
		})
	}
}

// customerPages is Alice's way through the shop.
func customerPages(b *browser, axe string) {
	b.Helper()
	b.seen("shop", axe, b.press(card("alice")), http.StatusOK)
	b.seen("orders, none yet", axe, b.visit("/ui/orders"), http.StatusOK)
	b.seen("basket, empty", axe, b.visit("/ui/basket"), http.StatusOK)
	b.seen("shop, nothing found", axe, b.visit("/ui/?q=zzz"), http.StatusOK)
	b.seen("shop, searched", axe, b.visit("/ui/?q=SECURITY"), http.StatusOK)
	b.visit("/ui/")
	b.seen("shop, added", axe, b.press(add(sonyCode)), http.StatusOK)
	b.press(add(bookCode))
	b.seen("basket", axe, b.visit("/ui/basket"), http.StatusOK)
	b.fill("#qty-1", "11")
	b.fill("#name", " ")
	b.seen("basket, a name is missing", axe, b.press("[data-place]"), http.StatusUnprocessableEntity)
	b.fill("#name", "For the office")
	b.seen("basket, out of stock", axe, b.press("[data-place]"), http.StatusConflict)
	b.mustShow("[data-summary]", "10")
	b.seen("basket, adjusted", axe, b.press(`[data-summary] button`), http.StatusOK)
	b.seen("order, placed", axe, b.press("[data-place]"), http.StatusOK)
	b.mustShow("h1", "For the office")
	b.seen("orders", axe, b.visit("/ui/orders"), http.StatusOK)
	b.seen("nothing here", axe, b.visit("/ui/nothing"), http.StatusNotFound)
	b.seen("no such order", axe, b.visit("/ui/orders/none"), http.StatusNotFound)
	b.visit("/ui/orders")
	b.press("[data-order] a")
	order := b.where()
	b.seen("change, not allowed", axe, b.visit(order+"/edit"), http.StatusForbidden)
	refusedForms(b, axe)
	b.endSession("alice")
	b.seen("sign in, session ended", axe, b.visit(order), http.StatusOK)
	b.mustShow("main", "Your session has ended")
	b.seen("order, where the sign-in led to", axe, b.press(card("alice")), http.StatusOK)
	if at := b.where(); at != order {
		b.Errorf("signing in again led to %s, want %s", at, order)
	}
}

// refusedForms are what comes of a form that was sent before.
func refusedForms(b *browser, axe string) {
	b.Helper()
	b.visit("/ui/")
	b.press(add(sonyCode))
	b.visit("/ui/basket")
	other := b.tab()
	other.visit("/ui/basket")
	other.fill("#name", "Once more")
	b.press("[data-place]")
	other.seen("basket, sent before", axe, other.press("[data-place]"), http.StatusUnprocessableEntity)
	other.mustShow("h1", "already sent")
}

// endSession ends all sessions of a user from outside.
func (b *browser) endSession(user string) {
	b.Helper()
	for _, disabled := range []bool{true, false} {
		b.edge.disable(user, disabled)
	}
}

// adminPages is the administrator's way through what Alice has ordered.
func adminPages(b *browser, axe string) {
	b.Helper()
	b.press(card("admin"))
	b.seen("all orders", axe, b.visit("/ui/orders"), http.StatusOK)
	b.seen("order, for the admin", axe, b.press("[data-order] a"), http.StatusOK)
	order := b.where()
	b.seen("change", axe, b.visit(order+"/edit"), http.StatusOK)
	b.fill("#qty-0", "1000")
	b.seen("change, out of stock", axe, b.press("[data-place]"), http.StatusConflict)
	b.fill("#qty-0", "1")
	b.seen("order, changed", axe, b.press("[data-place]"), http.StatusOK)
	b.seen("cancel?", axe, b.visit(order+"/cancel"), http.StatusOK)
	b.seen("order, cancelled", axe, b.press("[data-place]"), http.StatusOK)
	b.seen("a cancelled order is not changed", axe, b.visit(order+"/edit"), http.StatusConflict)
}
