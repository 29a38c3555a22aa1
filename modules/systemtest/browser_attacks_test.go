package systemtest

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

var defaultAppearance = appearance{1280, false, true}

// cookie is the value of a cookie, also of one that scripts cannot see.
func (b *browser) cookie(name string) string {
	b.Helper()
	jar := evaluate(b, func(ctx context.Context, target *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, target, network.GetCookies, network.GetCookiesParams{URLs: []string{b.url("/")}})
	})
	for _, c := range jar.Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// placeOrder fills the basket with one product and places it; it gives the page of the order.
func (b *browser) placeOrder(name string) string {
	b.Helper()
	b.goTo("/ui/")
	b.click(addButton(headphonesCode))
	b.goTo("/ui/basket")
	b.fill("#name", name)
	if status := b.click("[data-place]"); status != http.StatusOK {
		b.Fatalf("placing an order: %d at %s", status, b.path())
	}
	return b.path()
}

// countOrders counts the orders in the list.
func (b *browser) countOrders() int {
	b.Helper()
	b.goTo("/ui/orders")
	return evaluate(b, chromedp.Evaluate[int](`document.querySelectorAll("[data-order]").length`))
}

func TestScriptInTextIsText(t *testing.T) {
	d := open(t)
	b := openBrowser(t, d, defaultAppearance)
	hostile := `"><script>window.owned=1</script><img src=x onerror="window.owned=1">{{.}}`
	mustBeText := func(selector, where string) {
		t.Helper()
		if got := evaluate(b, chromedp.Evaluate[bool](`window.owned === undefined && document.querySelectorAll("main img, main script").length === 0`)); !got {
			t.Errorf("%s: the text became part of the page", where)
		}
		if selector != "" {
			b.expectText(selector, hostile)
		}
	}
	b.goTo("/oauth2/sign-in?next=" + url.QueryEscape(hostile))
	mustBeText("", "next")
	b.fill("#name", hostile[:60])
	b.fill("#password", hostile)
	b.click("form button")
	mustBeText("", "sign-in name")
	b.signIn("alice")
	b.goTo("/ui/?q=" + url.QueryEscape(hostile) + "&category=" + url.QueryEscape(hostile))
	mustBeText("", "search")
	order := b.placeOrder(hostile)
	mustBeText("h1", "order")
	b.goTo("/ui/orders")
	mustBeText("[data-order] a", "orders")
	b.click(`form[action="/oauth2/logout"] button`)
	b.signIn("admin")
	b.goTo("/ui/orders")
	mustBeText("[data-order] a", "all orders")
	b.goTo(order + "/edit")
	mustBeText("", "edit")
	if got := evaluate(b, chromedp.Value(chromedp.CSS("#name"))); got != hostile {
		t.Errorf("the form holds %q", got)
	}
	b.goTo(order + "/cancel")
	mustBeText("", "cancel")
	for _, path := range []string{"/ui/orders/" + url.PathEscape(hostile), "/ui/" + url.PathEscape(hostile), "/ui/orders?after=" + url.QueryEscape(hostile)} {
		b.goTo(path)
		mustBeText("", path)
	}
}

func TestAnotherSitesFormDoesNothing(t *testing.T) {
	d := open(t)
	b := openBrowser(t, d, defaultAppearance)
	b.signIn("alice")
	order := b.placeOrder("Hers")
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
		b.loadPage(chromedp.Navigate(site.URL))
		if status := b.click("button"); status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", target, status)
		}
		site.Close()
		for name, origin := range map[string]option{"Sec-Fetch-Site": header("Sec-Fetch-Site", "cross-site"), "Origin": header("Origin", "https://evil.example")} {
			got := d.do(http.MethodPost, target, origin, header("Cookie", sts.SessionCookie+"="+session), header("Content-Type", "application/x-www-form-urlencoded"), body(fields.Encode()))
			if got.Status != http.StatusForbidden {
				t.Errorf("%s with %s: %d", target, name, got.Status)
			}
		}
	}
	if b.cookie(sts.SessionCookie) != session {
		t.Error("the session is another one")
	}
	if got := b.countOrders(); got != 1 {
		t.Errorf("%d orders, want hers alone", got)
	}
	b.expectText("[data-order] .badge", "Confirmed")
}

func TestPagesCannotBeFramed(t *testing.T) {
	d := open(t)
	b := openBrowser(t, d, defaultAppearance)
	b.signIn("alice")
	for _, path := range []string{"/ui/", "/ui/basket", "/oauth2/sign-in", "/ui/nothing"} {
		got := d.do(http.MethodGet, path, header("Cookie", sts.SessionCookie+"="+b.cookie(sts.SessionCookie)))
		policy := got.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Content-Type-Options") != "nosniff" ||
			got.Header.Get("Referrer-Policy") == "" || got.Header.Get("Cross-Origin-Opener-Policy") != "same-origin" {
			t.Errorf("%s: headers %v", path, got.Header)
		}
		if strings.Contains(got.Body, " style=") || strings.Contains(got.Body, "<style") || strings.Contains(got.Body, " onclick=") {
			t.Errorf("%s: inline style or script", path)
		}
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `<iframe src="%s" onload="document.title='loaded'"></iframe>`, b.url("/oauth2/sign-in"))
	}))
	defer site.Close()
	b.loadPage(chromedp.Navigate(site.URL))
	evaluate(b, chromedp.Poll[bool](`document.title === "loaded"`))
	tree := evaluate(b, func(ctx context.Context, target *chromedp.Target) (page.GetFrameTreeResult, error) {
		return cdp.Call(ctx, target, page.GetFrameTree, cdp.Empty{})
	})
	for _, frame := range tree.FrameTree.ChildFrames {
		if !strings.HasPrefix(frame.Frame.URL, "chrome-error:") {
			t.Errorf("another site frames %s", frame.Frame.URL)
		}
	}
}

func TestTwoTabsOneOrder(t *testing.T) {
	d := open(t)
	first := openBrowser(t, d, defaultAppearance)
	first.signIn("alice")
	first.click(addButton(headphonesCode))
	first.goTo("/ui/basket")
	second := first.tab()
	second.goTo("/ui/basket")
	if status := first.click("[data-place]"); status != http.StatusOK {
		t.Fatalf("the first tab: %d", status)
	}
	order := first.path()
	if status := second.click("[data-place]"); status != http.StatusOK || second.path() != order {
		t.Errorf("the second tab: %d at %s, want %s", status, second.path(), order)
	}
	first.do(chromedp.NavigateBack())
	first.do(chromedp.Reload())
	if got := second.countOrders(); got != 1 {
		t.Errorf("%d orders, want one", got)
	}
}

func TestPressingTwiceIsPlacingOnce(t *testing.T) {
	for _, script := range []bool{true, false} {
		d := open(t)
		b := openBrowser(t, d, appearance{390, false, script})
		b.signIn("alice")
		b.click(addButton(headphonesCode))
		b.goTo("/ui/basket")
		b.loadPage(func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
			return chromedp.Evaluate[chromedp.Void](`for (let i = 0; i < 3; i++) document.querySelector("[data-place]").click()`)(ctx, target)
		})
		b.do(chromedp.WaitVisible(chromedp.CSS("h1")))
		if got := b.countOrders(); got != 1 {
			t.Errorf("script %v: %d orders, want one", script, got)
		}
	}
}

func TestTheBackButtonAfterSigningOutShowsNothing(t *testing.T) {
	d := open(t)
	b := openBrowser(t, d, defaultAppearance)
	b.signIn("alice")
	b.placeOrder("A private name")
	b.click(`form[action="/oauth2/logout"] button`)
	b.do(chromedp.NavigateBack())
	b.expectText("h1", "Sign in")
	if got := b.text("body"); strings.Contains(got, "A private name") {
		t.Errorf("after signing out: %s", got)
	}
}

func TestAStolenCookieIsWorthNothingAfterTheNextSignIn(t *testing.T) {
	d := open(t)
	b := openBrowser(t, d, defaultAppearance)
	b.signIn("alice")
	stolen := b.cookie(sts.SessionCookie)
	use := func() Reply {
		return d.do(http.MethodGet, "/ui/orders", header("Cookie", sts.SessionCookie+"="+stolen))
	}
	if got := use(); got.Status != http.StatusOK {
		t.Fatalf("before: %d", got.Status)
	}
	b.signIn("alice")
	if got := use(); got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/oauth2/sign-in?") {
		t.Errorf("after: %d to %s", got.Status, got.Header.Get("Location"))
	}
	if evaluate(b, chromedp.Evaluate[string](`document.cookie`)) != "" {
		t.Error("scripts can see a cookie")
	}
}

func TestAnEndedSessionKeepsTheBasket(t *testing.T) {
	d := open(t)
	b := openBrowser(t, d, defaultAppearance)
	b.signIn("alice")
	b.click(addButton(headphonesCode))
	b.goTo("/ui/basket")
	b.endSession("alice")
	b.click("[data-place]")
	b.expectText("main", "Your session has ended")
	b.fill("#name", "alice")
	b.fill("#password", "alice-demo")
	b.click("form button")
	if at := b.path(); at != "/ui/basket" {
		t.Errorf("after signing in again at %s", at)
	}
	if status := b.click("[data-place]"); status != http.StatusOK {
		t.Errorf("placing it then: %d", status)
	}
}
