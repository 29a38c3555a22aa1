package systemtest_test

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
	for _, l := range fewLooks() {
		t.Run(l.String(), func(t *testing.T) { orderWithoutInventory(t, l, axe) })
	}
}

func orderWithoutInventory(t *testing.T, l look, axe string) {
	t.Helper()
	directory := seededCopy(t)
	b := openBrowser(t, nil, l)
	during := func(what string, modules []string, visit func(t *testing.T)) {
		t.Run(what, func(t *testing.T) {
			b.edge = openEdgeOn(t, directory, func(c *system.Config) {
				c.Server.Modules = modules
				c.Modules["sts"].Listen, c.Modules["order"].Listen, c.Modules["inventory"].URL = "127.0.0.1:0", "127.0.0.1:0", ""
			})
			visit(t)
		})
	}
	everything, withoutInventory := []string{"all"}, []string{"gateway", "sts", "order"}
	during("a basket is filled", everything, func(*testing.T) {
		b.signIn("alice")
		b.press(add(sonyCode))
	})
	during("the inventory is away", withoutInventory, func(t *testing.T) {
		b.seen("shop, inventory away", axe, b.visit("/ui/"), http.StatusServiceUnavailable)
		b.seen("basket, inventory away", axe, b.visit("/ui/basket"), http.StatusOK)
		b.fill("#name", "Urgent")
		b.fill("#qty-0", "2")
		for range 2 {
			b.seen("order, not placed yet", axe, b.press("[data-place]"), http.StatusServiceUnavailable)
			b.mustShow("main", "Trace id")
		}
		b.visit("/ui/orders")
		b.seen("order, pending", axe, b.press("[data-order] a"), http.StatusOK)
	})
	during("the inventory is back", everything, func(t *testing.T) {
		b.visit("/ui/basket")
		if status := b.press("[data-place]"); status != http.StatusOK {
			t.Errorf("placing: %d at %s", status, b.where())
		}
		if got := b.orders(); got != 1 {
			t.Errorf("%d orders, want one", got)
		}
		b.mustShow("[data-order] .badge", "Confirmed")
		b.mustShow("[data-order] a", "Urgent")
	})
}

func TestPagesWithoutTheSTS(t *testing.T) {
	axe := axeCore(t)
	for _, l := range fewLooks() {
		t.Run(l.String(), func(t *testing.T) {
			e := openSplit(t)
			e.stop("sts")
			b := openBrowser(t, e.edge, l)
			b.seen("sign in, nobody can", axe, b.visit("/"), http.StatusServiceUnavailable)
			b.mustShow("main", "Nobody can sign in right now")
			got := e.do(http.MethodGet, "/ui/orders", header("Cookie", sts.SessionCookie+"=any"))
			if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "Trace id") {
				t.Errorf("with a session: %d %v", got.status, got.header)
			}
			e.wantsProblem(e.do(http.MethodGet, "/oauth2/jwks"), http.StatusServiceUnavailable, "unavailable")
		})
	}
}
