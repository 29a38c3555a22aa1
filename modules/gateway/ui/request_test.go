package ui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"oms/platform/fault"
)

func TestWhoIsNotSignedInGetsToSignIn(t *testing.T) {
	w := newWorld(t)
	nobody, ended := w.browser(t, ""), w.browser(t, "ended")
	for path, next := range map[string]string{
		"/ui/": "/ui/", "/ui/?q=a&category=books": "/ui/?q=a&category=books", "/ui/basket": "/ui/basket", "/ui/orders/1/edit": "/ui/orders/1/edit",
	} {
		nobody.get(path).mustLeadTo("/oauth2/sign-in?next=" + url.QueryEscape(next))
		ended.get(path).mustLeadTo("/oauth2/sign-in?ended=1&next=" + url.QueryEscape(next))
	}
	for path, next := range map[string]string{
		"/ui/basket": "/ui/basket", "/ui/basket/add": "/ui/basket", "/ui/orders": "/ui/basket", "/ui/orders/1/edit": "/ui/orders/1", "/ui/orders/1/cancel": "/ui/orders/1",
	} {
		nobody.post(path).mustLeadTo("/oauth2/sign-in?next=" + url.QueryEscape(next))
		ended.post(path).mustLeadTo("/oauth2/sign-in?ended=1&next=" + url.QueryEscape(next))
	}
}

func TestASessionThatEndsOnTheWay(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	alice.add("books", "a", "1")
	form := alice.get("/ui/basket").form()
	ended := fault.New(fault.Unauthenticated, "The session has ended.")
	w.ordersFail.Store(ended)
	w.stockFail.Store(ended)
	for _, path := range []string{"/ui/", "/ui/basket", "/ui/orders", "/ui/orders/1"} {
		alice.get(path).mustLeadTo("/oauth2/sign-in?ended=1&next=" + url.QueryEscape(path))
	}
	alice.post("/ui/orders", form...).mustLeadTo("/oauth2/sign-in?ended=1&next=%2Fui%2Fbasket")
	w.ordersFail.Store(nil)
	w.stockFail.Store(nil)
	alice.get("/ui/basket").must(http.StatusOK, "Book A") // it is still there afterwards
}

func TestUnknownPathsAndMethods(t *testing.T) {
	w := newWorld(t)
	for _, who := range []string{"alice", "", "ended"} {
		b := w.browser(t, who)
		b.get("/ui/nothing").must(http.StatusNotFound, "There is nothing here", traceID, "Go to the shop")
		b.get("/ui/orders/1/nothing").must(http.StatusNotFound)
		b.get("/ui/static/app.css").must(http.StatusNotFound, "There is nothing here")
		p := b.send(b.request(http.MethodDelete, "/ui/orders/1", "")).must(http.StatusMethodNotAllowed, "This page cannot be used like that")
		if p.header.Get("Allow") != "GET" {
			t.Errorf("Allow is %q", p.header.Get("Allow"))
		}
	}
	alice := w.browser(t, "alice")
	alice.get("/ui/basket/add").must(http.StatusMethodNotAllowed)
	if p := alice.send(alice.request(http.MethodHead, "/ui/", "")); p.status != http.StatusOK || p.body != "" {
		t.Errorf("HEAD answers %d with %d bytes", p.status, len(p.body))
	}
}

func TestFormsAreReadStrictly(t *testing.T) {
	alice := newWorld(t).browser(t, "alice")
	send := func(path, media, body string) page {
		r := alice.request(http.MethodPost, path, body)
		r.Header.Set("Content-Type", media)
		return alice.send(r)
	}
	const media = "application/x-www-form-urlencoded"
	for name, body := range map[string]string{
		"an unknown field": "admin=true", "a field twice": "name=a&name=b", "a bad escape": "name=%zz",
		"a line without its parts": "code.0=a&qty.0=1", "a line out of order": "category.1=books&code.1=a&qty.1=1",
	} {
		for _, path := range []string{"/ui/basket", "/ui/basket/add", "/ui/orders", "/ui/orders/1/edit", "/ui/orders/1/cancel"} {
			t.Run(name+" "+path, func(t *testing.T) {
				send(path, media, body).must(http.StatusBadRequest, "That request does not make sense", traceID)
			})
		}
	}
	send("/ui/orders?name=x", media, "").must(http.StatusBadRequest)
	send("/ui/orders", media, "name=x").must(http.StatusBadRequest) // no key
	send("/ui/orders", media, "idempotency_key=mine&name=x").must(http.StatusBadRequest)
	send("/ui/orders", media, "name="+strings.Repeat("x", 70_000)).must(http.StatusRequestEntityTooLarge, "That is too much at once")
	send("/ui/orders", "application/json", "{}").must(http.StatusUnsupportedMediaType, "That is not one of our forms")
	send("/ui/orders", "multipart/form-data; boundary=x", "").must(http.StatusUnsupportedMediaType)
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := alice.request(http.MethodPost, "/ui/basket/add", "category=books&code=a&qty=1")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(header, value)
		alice.send(r).must(http.StatusForbidden, "You may not do this")
	}
	alice.get("/ui/basket").must(http.StatusOK, "Your basket is empty")
}

func TestNothingThatUsersWriteBecomesMarkup(t *testing.T) {
	w := newWorld(t)
	admin := w.browser(t, "admin")
	category := products[len(products)-1].Category
	admin.add(category, script, "1")
	form := with(admin.get("/ui/basket").form(), "name", script)
	placed := admin.post("/ui/orders", form...).must(http.StatusSeeOther)
	id := placed.location
	pages := map[string]page{
		"order":      admin.get(id).must(http.StatusOK, "&lt;script&gt;"),
		"shop":       admin.get("/ui/?q=" + url.QueryEscape(script) + "&category=" + url.QueryEscape(script)),
		"whole shop": admin.get("/ui/"),
		"orders":     admin.get("/ui/orders"),
		"edit":       admin.get(id+"/edit").must(http.StatusOK, "&lt;script&gt;"),
		"cancel":     admin.get(id + "/cancel"),
		"invalid":    admin.post("/ui/basket", with(with(form, "qty.0", script), "action", "update")...),
		"short":      admin.post("/ui/orders", with(with(form, "qty.0", "1000"), "idempotency_key", strings.Repeat("b", 26))...).must(http.StatusConflict, "&lt;script&gt;"),
		"unknown":    admin.get("/ui/" + url.PathEscape(script)),
		"no order":   admin.get("/ui/orders/" + url.PathEscape(script) + "/edit"),
	}
	admin.add(category, script, "2")
	pages["added"], pages["basket"] = admin.get("/ui/"), admin.get("/ui/basket")
	w.ordersFail.Store(fault.New(fault.DeadlineExceeded, script))
	pages["pending"] = admin.post("/ui/orders", with(form, "name", script)...)
	for name, p := range pages {
		t.Run(name, func(t *testing.T) {
			p.t = t
			if p.status >= 500 && name != "pending" {
				t.Errorf("got status %d", p.status)
			}
			p.mustNotSay("<script>", "<b>", `'{{.}}`, "ZgotmplZ")
		})
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	for name, p := range map[string]page{
		"page": alice.get("/ui/"), "redirect": w.browser(t, "").get("/ui/"), "problem": alice.get("/ui/nothing"), "refusal": alice.post("/ui/orders", "x", "y"),
	} {
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin",
		} {
			if got := p.header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if policy := p.header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; script-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", name, policy)
		}
		for _, inline := range []string{" style=", "<style", " onclick=", "<script>"} {
			if strings.Contains(p.body, inline) {
				t.Errorf("%s: the page has %q, which its policy forbids", name, inline)
			}
		}
	}
}
