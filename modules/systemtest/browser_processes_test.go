package systemtest

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
			d := openSplit(t, with)
			b := openBrowser(t, d, appearance{width: 1280, script: true})
			b.checkPage("sign in", axe, b.goTo("/"), http.StatusOK)
			b.checkPage("shop", axe, b.click(signInButton("alice")), http.StatusOK)
			b.checkPage("shop, added", axe, b.click(addButton(headphonesCode)), http.StatusOK)
			b.goTo("/ui/basket")
			b.fill("#name", "For the office")
			b.fill("#qty-0", "2")
			b.checkPage("order, placed", axe, b.click("[data-place]"), http.StatusOK)
			b.expectText("h1", "For the office")
			b.expectText(".standing .badge", "Confirmed")
			order := b.path()
			b.checkPage("change, not allowed", axe, b.goTo(order+"/edit"), http.StatusForbidden)
			b.click(`form[action="/oauth2/logout"] button`)

			b.click(signInButton("admin"))
			b.goTo(order + "/edit")
			b.fill("#qty-0", "1")
			b.checkPage("order, changed", axe, b.click("[data-place]"), http.StatusOK)
			b.expectText(".times", "1")
			b.goTo(order + "/cancel")
			b.checkPage("order, cancelled", axe, b.click("[data-place]"), http.StatusOK)
			b.expectText(".standing .badge", "Cancelled")

			checkPagesWithoutModules(d, b, axe, with)
		})
	}
}

// checkPagesWithoutModules is what somebody sees while a process is away, and after it is back.
func checkPagesWithoutModules(d *deployment, b *browser, axe string, with func(*system.Config)) {
	d.Helper()
	d.stop("inventory")
	b.checkPage("shop, inventory away", axe, b.goTo("/ui/"), http.StatusServiceUnavailable)
	b.checkPage("all orders, inventory away", axe, b.goTo("/ui/orders"), http.StatusOK)
	d.start("inventory")
	if !eventually(func() bool { return b.goTo("/ui/") == http.StatusOK }) {
		b.Errorf("the shop stays closed although the inventory is back (at %s)", b.path())
	}
	d.stop("sts")
	b.checkPage("sign in, STS away", axe, b.goTo("/oauth2/sign-in"), http.StatusServiceUnavailable)
	b.expectText("main", "Nobody can sign in right now")
	b.expectText("main", "Trace id")
	d.start("sts")
	if !eventually(func() bool { return b.goTo("/oauth2/sign-in") == http.StatusOK }) {
		b.Errorf("nobody can sign in although the STS is back (at %s)", b.path())
	}
	b.checkPage("all orders, still signed in", axe, b.goTo("/ui/orders"), http.StatusOK)
}
