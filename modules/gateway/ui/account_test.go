package ui_test

import (
	"net/http"
	"testing"

	"oms/modules/sts"
)

func TestAccountSaysWhoIsSignedIn(t *testing.T) {
	w := newWorld(t)
	w.browser(t, "alice").get("/ui/account").must(http.StatusOK,
		"<h1>Your account</h1>", "<dd>alice</dd>", "<dd>The user alice</dd>", `<time datetime="2026-11-22T09:30:00Z">`, "3 browsers", "all 3 browsers, this one too",
		`<form method="post" action="/ui/account/sign-out"`).mustNotSay("E-mail")
	w.browser(t, "bob").get("/ui/account").must(http.StatusOK, "1 browser<", "signs you out of this browser", "E-mail").mustNotSay(script)
	w.browser(t, "alice").get("/ui/").must(http.StatusOK, `href="/ui/account"><span class="unseen">Your account: </span>The user alice</a>`)
}

func TestAccountIsForWhoIsSignedIn(t *testing.T) {
	w := newWorld(t)
	w.browser(t, "").get("/ui/account").mustLeadTo("/oauth2/sign-in?next=%2Fui%2Faccount")
	w.browser(t, "ended").get("/ui/account").mustLeadTo("/oauth2/sign-in?ended=1&next=%2Fui%2Faccount")
	w.browser(t, "").post("/ui/account/sign-out").mustLeadTo("/oauth2/sign-in?next=%2Fui%2Faccount")
	w.browser(t, "away").get("/ui/account").must(http.StatusServiceUnavailable, "We cannot answer right now", traceID)
}

func TestSigningOutEverywhere(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	p := alice.post("/ui/account/sign-out")
	p.mustLeadTo("/oauth2/sign-in?ended=everywhere")
	if _, done := w.signedOut.Load("alice"); !done {
		t.Error("alice is still signed in")
	}
	for _, c := range (&http.Response{Header: p.header}).Cookies() {
		if c.Name == sts.SessionCookie && c.MaxAge < 0 && p.header.Get("Clear-Site-Data") == `"cache"` {
			return
		}
	}
	t.Errorf("the browser keeps its session: %v", p.header)
}

func TestSigningOutEverywhereIsAFormOfOurs(t *testing.T) {
	w := newWorld(t)
	alice := w.browser(t, "alice")
	for _, site := range []string{"cross-site", "same-site"} {
		r := alice.request(http.MethodPost, "/ui/account/sign-out", "")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", site)
		alice.send(r).must(http.StatusForbidden)
	}
	alice.get("/ui/account/sign-out").must(http.StatusMethodNotAllowed)
	alice.post("/ui/account/sign-out", "everywhere", "1").must(http.StatusBadRequest)
	w.browser(t, "away").post("/ui/account/sign-out").must(http.StatusServiceUnavailable)
	if _, done := w.signedOut.Load("alice"); done {
		t.Error("somebody else has signed alice out")
	}
}
