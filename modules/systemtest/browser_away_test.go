package systemtest

import (
	"net/http"
	"strings"
	"testing"

	"oms/modules/sts"
	"oms/modules/system"
)

// An order that is sent while the inventory is away is placed once, however often it is sent, and as it was meant.
func TestAnOrderWithoutTheInventoryIsPlacedLaterOnce(t *testing.T) {
	axe := axeCore(t)
	for _, l := range someAppearances() {
		t.Run(l.String(), func(t *testing.T) { checkOrderWithoutInventory(t, l, axe) })
	}
}

func checkOrderWithoutInventory(t *testing.T, l appearance, axe string) {
	t.Helper()
	directory := seededDirectory(t)
	b := openBrowser(t, nil, l)
	during := func(what string, modules []string, visit func(t *testing.T)) {
		t.Run(what, func(t *testing.T) {
			b.deployment = openOn(t, directory, func(c *system.Config) {
				c.Server.Modules = modules
				c.Modules["sts"].Listen, c.Modules["order"].Listen, c.Modules["inventory"].URL = "127.0.0.1:0", "127.0.0.1:0", ""
			})
			visit(t)
		})
	}
	everything, withoutInventory := []string{"all"}, []string{"gateway", "sts", "order"}
	during("a basket is filled", everything, func(*testing.T) {
		b.signIn("alice")
		b.click(addButton(headphonesCode))
	})
	during("the inventory is away", withoutInventory, func(t *testing.T) {
		b.checkPage("shop, inventory away", axe, b.goTo("/ui/"), http.StatusServiceUnavailable)
		b.checkPage("basket, inventory away", axe, b.goTo("/ui/basket"), http.StatusOK)
		b.fill("#name", "Urgent")
		b.fill("#qty-0", "2")
		for range 2 {
			b.checkPage("order, not placed yet", axe, b.click("[data-place]"), http.StatusServiceUnavailable)
			b.expectText("main", "Trace id")
		}
		b.goTo("/ui/orders")
		b.checkPage("order, pending", axe, b.click("[data-order] a"), http.StatusOK)
	})
	during("the inventory is back", everything, func(t *testing.T) {
		b.goTo("/ui/basket")
		if status := b.click("[data-place]"); status != http.StatusOK {
			t.Errorf("placing: %d at %s", status, b.path())
		}
		if got := b.countOrders(); got != 1 {
			t.Errorf("%d orders, want one", got)
		}
		b.expectText("[data-order] .badge", "Confirmed")
		b.expectText("[data-order] a", "Urgent")
	})
}

func TestPagesWithoutTheSTS(t *testing.T) {
	axe := axeCore(t)
	for _, l := range someAppearances() {
		t.Run(l.String(), func(t *testing.T) {
			d := openSplit(t)
			d.stop("sts")
			b := openBrowser(t, d, l)
			b.checkPage("sign in, nobody can", axe, b.goTo("/"), http.StatusServiceUnavailable)
			b.expectText("main", "Nobody can sign in right now")
			got := d.do(http.MethodGet, "/ui/orders", header("Cookie", sts.SessionCookie+"=any"))
			if got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") == "" || !strings.Contains(got.Body, "Trace id") {
				t.Errorf("with a session: %d %v", got.Status, got.Header)
			}
			d.expectProblem(d.do(http.MethodGet, "/oauth2/jwks"), http.StatusServiceUnavailable, "unavailable")
		})
	}
}
