package systemtest

import (
	"net/http"
	"testing"
)

// checkPage looks at the page that is open: it must be of this status, and its picture and its accessibility are judged.
func (b *browser) checkPage(what, axe string, status, want int) {
	b.Helper()
	if status != want {
		b.Errorf("%s: status %d, want %d (at %s)", what, status, want, b.path())
	}
	b.screenshot(what)
	b.checkAccessibility(what, axe)
}

// signInButton is the button of a demo user on the sign-in page.
func signInButton(name string) string {
	return `form:has(input[type="hidden"][name="name"][value="` + name + `"]) button`
}

// addButton is the button of a product in the shop.
func addButton(code string) string { return `[data-product$="/` + code + `"] [data-add]` }

const (
	headphonesCode = "SOWH1000XM4"
	bookCode       = "978-1617295959"
)

func TestEveryPageInEveryLook(t *testing.T) {
	axe := axeCore(t)
	for _, l := range allAppearances() {
		t.Run(l.String(), func(t *testing.T) {
			d := open(t)
			b := openBrowser(t, d, l)
			b.checkPage("sign in", axe, b.goTo("/"), http.StatusOK)
			b.fill("#name", "alice")
			b.fill("#password", "not hers")
			b.checkPage("sign in, refused", axe, b.click("form button"), http.StatusUnprocessableEntity)
			status := http.StatusUnprocessableEntity
			for guesses := 0; status == http.StatusUnprocessableEntity && guesses < 30; guesses++ { // a name may be guessed at some ten times
				b.fill("#name", "nobody")
				b.fill("#password", "a guess")
				status = b.click("form button")
			}
			b.checkPage("sign in, too often", axe, status, http.StatusTooManyRequests)
			checkCustomerPages(b, axe)
			b.click(`form[action="/oauth2/logout"] button`)
			checkAdminPages(b, axe)
		})
	}
}

// checkCustomerPages is Alice's way through the shop.
func checkCustomerPages(b *browser, axe string) {
	b.Helper()
	b.checkPage("shop", axe, b.click(signInButton("alice")), http.StatusOK)
	b.checkPage("orders, none yet", axe, b.goTo("/ui/orders"), http.StatusOK)
	b.checkPage("basket, empty", axe, b.goTo("/ui/basket"), http.StatusOK)
	b.checkPage("shop, nothing found", axe, b.goTo("/ui/?q=zzz"), http.StatusOK)
	b.checkPage("shop, searched", axe, b.goTo("/ui/?q=SECURITY"), http.StatusOK)
	b.goTo("/ui/")
	b.checkPage("shop, added", axe, b.click(addButton(headphonesCode)), http.StatusOK)
	b.click(addButton(bookCode))
	b.checkPage("basket", axe, b.goTo("/ui/basket"), http.StatusOK)
	b.fill("#qty-1", "11")
	b.fill("#name", " ")
	b.checkPage("basket, a name is missing", axe, b.click("[data-place]"), http.StatusUnprocessableEntity)
	b.fill("#name", "For the office")
	b.checkPage("basket, out of stock", axe, b.click("[data-place]"), http.StatusConflict)
	b.expectText("[data-summary]", "10")
	b.checkPage("basket, adjusted", axe, b.click(`[data-summary] button`), http.StatusOK)
	b.checkPage("order, placed", axe, b.click("[data-place]"), http.StatusOK)
	b.expectText("h1", "For the office")
	b.checkPage("orders", axe, b.goTo("/ui/orders"), http.StatusOK)
	b.checkPage("account", axe, b.click(".who a"), http.StatusOK)
	b.expectText("main", "alice")
	b.checkPage("nothing here", axe, b.goTo("/ui/nothing"), http.StatusNotFound)
	b.checkPage("no such order", axe, b.goTo("/ui/orders/none"), http.StatusNotFound)
	b.goTo("/ui/orders")
	b.click("[data-order] a")
	order := b.path()
	b.checkPage("change, not allowed", axe, b.goTo(order+"/edit"), http.StatusForbidden)
	checkRepeatedForm(b, axe)
	b.endSession("alice")
	b.checkPage("sign in, session ended", axe, b.goTo(order), http.StatusOK)
	b.expectText("main", "Your session has ended")
	b.checkPage("order, where the sign-in led to", axe, b.click(signInButton("alice")), http.StatusOK)
	if at := b.path(); at != order {
		b.Errorf("signing in again led to %s, want %s", at, order)
	}
	b.goTo("/ui/account")
	b.checkPage("sign in, signed out everywhere", axe, b.click("[data-place]"), http.StatusOK)
	b.expectText("main", "You are signed out everywhere")
	b.click(signInButton("alice"))
}

// checkRepeatedForm are what comes of a form that was sent before.
func checkRepeatedForm(b *browser, axe string) {
	b.Helper()
	b.goTo("/ui/")
	b.click(addButton(headphonesCode))
	b.goTo("/ui/basket")
	other := b.tab()
	other.goTo("/ui/basket")
	other.fill("#name", "Once more")
	b.click("[data-place]")
	other.checkPage("basket, sent before", axe, other.click("[data-place]"), http.StatusUnprocessableEntity)
	other.expectText("h1", "already sent")
}

// endSession ends all sessions of a user from outside.
func (b *browser) endSession(user string) {
	b.Helper()
	for _, disabled := range []bool{true, false} {
		b.deployment.setDisabled(user, disabled)
	}
}

// checkAdminPages is the administrator's way through what Alice has ordered.
func checkAdminPages(b *browser, axe string) {
	b.Helper()
	b.click(signInButton("admin"))
	b.checkPage("a product to add", axe, b.goTo("/ui/products/new"), http.StatusOK)
	b.fill("#name", "A mug")
	b.checkPage("a product, not whole", axe, b.click("[data-place]"), http.StatusUnprocessableEntity)
	for field, value := range map[string]string{"#category": "kitchen", "#code": "mug", "#price": "12.50", "#currency": "EUR", "#on_hand": "3"} {
		b.fill(field, value)
	}
	b.checkPage("a product, added", axe, b.click("[data-place]"), http.StatusOK)
	b.expectText("main", "A mug is in the shop now.")
	b.checkPage("what a problem means", axe, b.goTo("/problems/out-of-stock"), http.StatusOK)
	b.checkPage("all orders", axe, b.goTo("/ui/orders"), http.StatusOK)
	b.checkPage("order, for the admin", axe, b.click("[data-order] a"), http.StatusOK)
	order := b.path()
	b.checkPage("change", axe, b.goTo(order+"/edit"), http.StatusOK)
	b.fill("#qty-0", "1000")
	b.checkPage("change, out of stock", axe, b.click("[data-place]"), http.StatusConflict)
	b.fill("#qty-0", "1")
	b.checkPage("order, changed", axe, b.click("[data-place]"), http.StatusOK)
	b.checkPage("cancel?", axe, b.goTo(order+"/cancel"), http.StatusOK)
	b.checkPage("order, cancelled", axe, b.click("[data-place]"), http.StatusOK)
	b.checkPage("a cancelled order is not changed", axe, b.goTo(order+"/edit"), http.StatusConflict)
}
