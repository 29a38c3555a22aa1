package systemtest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"oms/modules/sts"
)

var plainLook = look{1280, false, true}

// cookie is the value of a cookie, also of one that scripts cannot see.
func (b *browser) cookie(name string) string {
	b.Helper()
	jar := ask(b, func(ctx context.Context, target *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, target, network.GetCookies, network.GetCookiesParams{URLs: []string{b.url("/")}})
	})
	for _, c := range jar.Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// placeOne fills the basket with one product and places it; it gives the page of the order.
func (b *browser) placeOne(name string) string {
	b.Helper()
	b.visit("/ui/")
	b.press(add(sonyCode))
	b.visit("/ui/basket")
	b.fill("#name", name)
	if status := b.press("[data-place]"); status != http.StatusOK {
		b.Fatalf("placing an order: %d at %s", status, b.where())
	}
	return b.where()
}

// orders counts the orders in the list.
func (b *browser) orders() int {
	b.Helper()
	b.visit("/ui/orders")
	return ask(b, chromedp.Evaluate[int](`document.querySelectorAll("[data-order]").length`))
}

func TestScriptInTextIsText(t *testing.T) {
	e := openEdge(t)
	b := openBrowser(t, e, plainLook)
	hostile := `"><script>window.owned=1</script><img src=x onerror="window.owned=1">{{.}}`
	mustBeText := func(selector, where string) {
		t.Helper()
		if got := ask(b, chromedp.Evaluate[bool](`window.owned === undefined && document.querySelectorAll("main img, main script").length === 0`)); !got {
			t.Errorf("%s: the text became part of the page", where)
		}
		if selector != "" {
			b.mustShow(selector, hostile)
		}
	}
	b.visit("/oauth2/sign-in?next=" + url.QueryEscape(hostile))
	mustBeText("", "next")
	b.fill("#name", hostile[:60])
	b.fill("#password", hostile)
	b.press("form button")
	mustBeText("", "sign-in name")
	b.signIn("alice")
	b.visit("/ui/?q=" + url.QueryEscape(hostile) + "&category=" + url.QueryEscape(hostile))
	mustBeText("", "search")
	order := b.placeOne(hostile)
	mustBeText("h1", "order")
	b.visit("/ui/orders")
	mustBeText("[data-order] a", "orders")
	b.press(`form[action="/oauth2/logout"] button`)
	b.signIn("admin")
	b.visit("/ui/orders")
	mustBeText("[data-order] a", "all orders")
	b.visit(order + "/edit")
	mustBeText("", "edit")
	if got := ask(b, chromedp.Value(chromedp.CSS("#name"))); got != hostile {
		t.Errorf("the form holds %q", got)
	}
	b.visit(order + "/cancel")
	mustBeText("", "cancel")
	for _, path := range []string{"/ui/orders/" + url.PathEscape(hostile), "/ui/" + url.PathEscape(hostile), "/ui/orders?after=" + url.QueryEscape(hostile)} {
		b.visit(path)
		mustBeText("", path)
	}
}

func TestAnotherSitesFormDoesNothing(t *testing.T) {
	e := openEdge(t)
	b := openBrowser(t, e, plainLook)
	b.signIn("alice")
	order := b.placeOne("Hers")
	targets := map[string]url.Values{
		"/ui/orders":                {"idempotency_key": {"k"}, "name": {"Theirs"}, "category.0": {"books"}, "code.0": {bookCode}, "qty.0": {"1"}},
		"/ui/basket/add":            {"category": {"books"}, "code": {bookCode}, "qty": {"1"}},
		order + "/cancel":           {},
		"/oauth2/logout":            {},
		"/oauth2/sign-in":           {"name": {"bob"}, "password": {"bob-demo"}},
		"/oauth2/sign-in?next=/ui/": {"name": {"bob"}, "password": {"bob-demo"}},
	}
	session := b.cookie(sts.SessionCookie)
	for target, fields := range targets {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<form method="post" action="%s">`, b.url(target))
			for name, values := range fields {
				fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, name, values[0])
			}
			fmt.Fprint(w, `<button>Win a prize</button></form>`)
		}))
		b.leading(chromedp.Navigate(site.URL))
		if status := b.press("button"); status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", target, status)
		}
		site.Close()
		for name, origin := range map[string]option{"Sec-Fetch-Site": header("Sec-Fetch-Site", "cross-site"), "Origin": header("Origin", "https://evil.example")} {
			got := e.do(http.MethodPost, target, origin, header("Cookie", sts.SessionCookie+"="+session), header("Content-Type", "application/x-www-form-urlencoded"), body(fields.Encode()))
			if got.status != http.StatusForbidden {
				t.Errorf("%s with %s: %d", target, name, got.status)
			}
		}
	}
	if b.cookie(sts.SessionCookie) != session {
		t.Error("the session is another one")
	}
	if got := b.orders(); got != 1 {
		t.Errorf("%d orders, want hers alone", got)
	}
	b.mustShow("[data-order] .badge", "Confirmed")
}

func TestPagesCannotBeFramed(t *testing.T) {
	e := openEdge(t)
	b := openBrowser(t, e, plainLook)
	b.signIn("alice")
	for _, path := range []string{"/ui/", "/ui/basket", "/oauth2/sign-in", "/ui/nothing"} {
		got := e.do(http.MethodGet, path, header("Cookie", sts.SessionCookie+"="+b.cookie(sts.SessionCookie)))
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || got.header.Get("Cache-Control") != "no-store" || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			got.header.Get("Referrer-Policy") == "" || got.header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, got.header)
		}
		if strings.Contains(got.body, " style=") || strings.Contains(got.body, "<style") || strings.Contains(got.body, " onclick=") {
			t.Errorf("%s: inline style or script", path)
		}
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<iframe src="%s" onload="document.title='loaded'"></iframe>`, b.url("/oauth2/sign-in"))
	}))
	defer site.Close()
	b.leading(chromedp.Navigate(site.URL))
	ask(b, chromedp.Poll[bool](`document.title === "loaded"`))
	tree := ask(b, func(ctx context.Context, target *chromedp.Target) (page.GetFrameTreeResult, error) {
		return cdp.Call(ctx, target, page.GetFrameTree, cdp.Empty{})
	})
	for _, frame := range tree.FrameTree.ChildFrames {
		if !strings.HasPrefix(frame.Frame.URL, "chrome-error:") {
			t.Errorf("another site frames %s", frame.Frame.URL)
		}
	}
}

func TestTwoTabsOneOrder(t *testing.T) {
	e := openEdge(t)
	first := openBrowser(t, e, plainLook)
	first.signIn("alice")
	first.press(add(sonyCode))
	first.visit("/ui/basket")
	second := first.tab()
	second.visit("/ui/basket")
	if status := first.press("[data-place]"); status != http.StatusOK {
		t.Fatalf("the first tab: %d", status)
	}
	order := first.where()
	if status := second.press("[data-place]"); status != http.StatusOK || second.where() != order {
		t.Errorf("the second tab: %d at %s, want %s", status, second.where(), order)
	}
	first.do(chromedp.NavigateBack())
	first.do(chromedp.Reload())
	if got := second.orders(); got != 1 {
		t.Errorf("%d orders, want one", got)
	}
}

func TestPressingTwiceIsPlacingOnce(t *testing.T) {
	for _, script := range []bool{true, false} {
		e := openEdge(t)
		b := openBrowser(t, e, look{390, false, script})
		b.signIn("alice")
		b.press(add(sonyCode))
		b.visit("/ui/basket")
		b.leading(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
			return chromedp.Evaluate[chromedp.Void](`for (let i = 0; i < 3; i++) document.querySelector("[data-place]").click()`)(ctx, target)
		})
		b.do(chromedp.WaitVisible(chromedp.CSS("h1")))
		if got := b.orders(); got != 1 {
			t.Errorf("script %v: %d orders, want one", script, got)
		}
	}
}

func TestTheBackButtonAfterSigningOutShowsNothing(t *testing.T) {
	e := openEdge(t)
	b := openBrowser(t, e, plainLook)
	b.signIn("alice")
	b.placeOne("A private name")
	b.press(`form[action="/oauth2/logout"] button`)
	b.do(chromedp.NavigateBack())
	b.mustShow("h1", "Sign in")
	if got := b.text("body"); strings.Contains(got, "A private name") {
		t.Errorf("after signing out: %s", got)
	}
}

func TestAStolenCookieIsWorthNothingAfterTheNextSignIn(t *testing.T) {
	e := openEdge(t)
	b := openBrowser(t, e, plainLook)
	b.signIn("alice")
	stolen := b.cookie(sts.SessionCookie)
	use := func() reply {
		return e.do(http.MethodGet, "/ui/orders", header("Cookie", sts.SessionCookie+"="+stolen))
	}
	if got := use(); got.status != http.StatusOK {
		t.Fatalf("before: %d", got.status)
	}
	b.signIn("alice")
	if got := use(); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "/oauth2/sign-in?") {
		t.Errorf("after: %d to %s", got.status, got.header.Get("Location"))
	}
	if ask(b, chromedp.Evaluate[string](`document.cookie`)) != "" {
		t.Error("scripts can see a cookie")
	}
}

func TestAnEndedSessionKeepsTheBasket(t *testing.T) {
	e := openEdge(t)
	b := openBrowser(t, e, plainLook)
	b.signIn("alice")
	b.press(add(sonyCode))
	b.visit("/ui/basket")
	b.endSession("alice")
	b.press("[data-place]")
	b.mustShow("main", "Your session has ended")
	b.fill("#name", "alice")
	b.fill("#password", "alice-demo")
	b.press("form button")
	if at := b.where(); at != "/ui/basket" {
		t.Errorf("after signing in again at %s", at)
	}
	if status := b.press("[data-place]"); status != http.StatusOK {
		t.Errorf("placing it then: %d", status)
	}
}
