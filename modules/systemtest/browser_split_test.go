package systemtest_test

import (
	"net/http"
	"testing"

	"oms/modules/system"
)

// The pages are the same where every module is a process of its own: those of the STS, and those that call the others for
// whoever is signed in.
func TestPagesOfFourProcesses(t *testing.T) {
	axe := axeCore(t)
	for _, profile := range []string{"exchange", "transaction", "peer"} {
		t.Run(profile, func(t *testing.T) {
			with := func(c *system.Config) { c.Trust.Profile = profile }
			s := openSplit(t, with)
			b := openBrowser(t, s.edge, look{width: 1280, script: true})
			b.seen("sign in", axe, b.visit("/"), http.StatusOK)
			b.seen("shop", axe, b.press(card("alice")), http.StatusOK)
			b.seen("shop, added", axe, b.press(add(sonyCode)), http.StatusOK)
			b.visit("/ui/basket")
			b.fill("#name", "For the office")
			b.fill("#qty-0", "2")
			b.seen("order, placed", axe, b.press("[data-place]"), http.StatusOK)
			b.mustShow("h1", "For the office")
			b.mustShow(".standing .badge", "Confirmed")
			order := b.where()
			b.seen("change, not allowed", axe, b.visit(order+"/edit"), http.StatusForbidden)
			b.press(`form[action="/oauth2/logout"] button`)

			b.press(card("admin"))
			b.visit(order + "/edit")
			b.fill("#qty-0", "1")
			b.seen("order, changed", axe, b.press("[data-place]"), http.StatusOK)
			b.mustShow(".times", "1")
			b.visit(order + "/cancel")
			b.seen("order, cancelled", axe, b.press("[data-place]"), http.StatusOK)
			b.mustShow(".standing .badge", "Cancelled")

			withoutOthers(s, b, axe, with)
		})
	}
}

// withoutOthers is what somebody sees while a process is away, and after it is back.
func withoutOthers(s *split, b *browser, axe string, with func(*system.Config)) {
	s.Helper()
	s.stop("inventory")
	b.seen("shop, inventory away", axe, b.visit("/ui/"), http.StatusServiceUnavailable)
	b.seen("all orders, inventory away", axe, b.visit("/ui/orders"), http.StatusOK)
	s.start("inventory", with)
	if !soon(func() bool { return b.visit("/ui/") == http.StatusOK }) {
		b.Errorf("the shop stays closed although the inventory is back (at %s)", b.where())
	}
	s.stop("sts")
	b.seen("sign in, STS away", axe, b.visit("/oauth2/sign-in"), http.StatusServiceUnavailable)
	b.mustShow("main", "Nobody can sign in right now")
	b.mustShow("main", "Trace id")
	s.start("sts", with)
	if !soon(func() bool { return b.visit("/oauth2/sign-in") == http.StatusOK }) {
		b.Errorf("nobody can sign in although the STS is back (at %s)", b.where())
	}
	b.seen("all orders, still signed in", axe, b.visit("/ui/orders"), http.StatusOK)
}
