package systemtest

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"oms/modules/sts"
)

// What a session was exchanged for ends with it: by signing out, and by signing in again, after which a reference that
// somebody knew before must be worth nothing.
func TestAnEndedSessionIsWorthNothingBetweenProcessesEither(t *testing.T) {
	d := openSplit(t)
	orders := func(session *http.Cookie) int { return d.do("GET", "/ui/orders", withCookies(session)).Status }
	for what, end := range map[string]func(session *http.Cookie){
		"signing out":     func(session *http.Cookie) { d.expect(d.do("POST", "/oauth2/logout", withCookies(session)), 303) },
		"signing in anew": func(session *http.Cookie) { d.signIn("alice", withCookies(session)) },
	} {
		session := d.signIn("alice")
		if got := orders(session); got != 200 {
			t.Fatalf("%s, before: %d", what, got)
		}
		end(session)
		if !eventually(func() bool { return orders(session) != 200 }) {
			t.Errorf("after %s the old session still shows orders", what)
		}
	}
}

// Signing out everywhere, by oneself and by an operator, ends all sessions of one user in every process, and nobody else's.
func TestSigningOutEverywhereIsFeltInEveryProcess(t *testing.T) {
	d := openSplit(t)
	orders := func(session *http.Cookie) int { return d.do("GET", "/ui/orders", withCookies(session)).Status }
	ofBob := d.signIn("bob")
	for what, signOut := range map[string]func(session *http.Cookie){
		"the button": func(session *http.Cookie) {
			form := setHeader("Content-Type", "application/x-www-form-urlencoded")
			if left := d.expect(d.do("POST", "/ui/account/sign-out", withCookies(session), form), 303); left.Header.Get("Location") != "/oauth2/sign-in?ended=everywhere" {
				t.Errorf("it leads to %s", left.Header.Get("Location"))
			}
		},
		"an operator": func(*http.Cookie) { d.signOutUser("alice") },
	} {
		desk, phone := d.signIn("alice"), d.signIn("alice")
		if first, second := orders(desk), orders(phone); first != 200 || second != 200 {
			t.Fatalf("%s, before: %d, %d", what, first, second)
		}
		if page := d.expect(d.do("GET", "/ui/account", withCookies(phone)), 200); !strings.Contains(page.Body, "<dd>2 browsers</dd>") {
			t.Errorf("%s: the account page does not count two browsers: %s", what, page.Body)
		}
		signOut(desk)
		for which, session := range map[string]*http.Cookie{"this": desk, "the other": phone} {
			if !eventually(func() bool { return orders(session) == 303 }) {
				t.Errorf("%s: %s browser still shows orders", what, which)
			}
		}
		if got := orders(ofBob); got != 200 {
			t.Errorf("%s: bob's session: %d", what, got)
		}
	}
}

func TestTheThrottleSeesWhereARequestComesFrom(t *testing.T) {
	d := openSplit(t)
	guess := func(options ...option) int {
		form := body(url.Values{"name": {"mallory"}, "password": {"x"}}.Encode())
		return d.do("POST", "/oauth2/sign-in", append([]option{setHeader("Content-Type", "application/x-www-form-urlencoded"), form}, options...)...).Status
	}
	elsewhere := d.newClient(ClientOptions{HTTP2: true, From: net.IPv4(127, 0, 0, 2)})
	forged := []string{"Client-Address", "X-Forwarded-For", "Forwarded", "X-Real-Ip", "Workload-Address"}
	throttled := false
	for n := 0; n < 200 && !throttled; n++ { // of the address, not of a name: each is another one
		name := body(url.Values{"name": {"m" + strconv.Itoa(n)}, "password": {"x"}}.Encode())
		throttled = guess(name, setHeader("Client-Address", "192.0.2.1:"+strconv.Itoa(n))) == 429
	}
	passed := 0
	for i, header := range forged {
		if guess(setHeader(header, "192.0.2."+strconv.Itoa(i)+":1")) != 429 {
			passed++
		}
	}
	if !throttled || passed > 1 { // one may try again every two seconds
		t.Errorf("the address that guesses is throttled: %t; with forged headers %d of %d passed", throttled, passed, len(forged))
	}
	form := body(url.Values{"name": {"alice"}, "password": {"alice-demo"}}.Encode())
	if got := d.doWith(elsewhere, "POST", "/oauth2/sign-in", setHeader("Content-Type", "application/x-www-form-urlencoded"), form); got.Status != 303 {
		t.Errorf("from another address: %d", got.Status)
	}
}

// What a client says about itself stays at the edge: the STS's pages and the modules see what the gateway says.
func TestIdentityHeadersEndAtTheEdge(t *testing.T) {
	d := openSplit(t)
	alice := d.token("alice")
	d.placeOrder("headers", alice) // the gateway has its token for order
	arrived := make(chan *http.Request, 100)
	note := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- r
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("{}"))
	}
	d.stop("order")
	d.answerAt(d.addressOf("order"), d.certificateOf("order"), note)
	d.stop("sts")
	d.answerAt(d.addressOf("sts"), d.certificateOf("sts"), note)

	evil := []string{"Client-Address", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-User", "Forwarded", "X-Real-Ip", "Txn-Token",
		"Workload-Identity", "Workload-Caller", "Caller", "Subject", "Rpc-Version", "Rpc-Timeout", "Traceparent", "Tracestate", "Baggage", "X-Trace-Id", "Te", "Expect-Ct"}
	const mark = "00-11111111111111111111111111111111-2222222222222222-01"
	spoiled := func(r *http.Request) {
		for _, name := range evil {
			r.Header.Set(name, mark)
		}
		if r.Header.Get("Te") != "" {
			r.Header.Set("Te", "trailers")
		}
		r.Header.Add("Cookie", sts.SessionCookie+"=mine; __Host-basket=other; basket=other; "+mark+"=x")
	}
	inConnection := func(r *http.Request) {
		spoiled(r)
		r.Header.Set("Connection", "close, Client-Address, Traceparent, Authorization, Cookie, Rpc-Version")
	}
	behind := func(r *http.Request) {
		r.Trailer = http.Header{}
		for _, name := range evil {
			r.Trailer.Set(name, mark)
		}
		r.Trailer.Del("Te")
		r.ContentLength, r.GetBody = -1, nil
	}
	for _, ask := range []struct {
		client *http.Client
		method string
		path   string
		with   []option
	}{
		{d.http2, "GET", "/oauth2/sign-in", []option{spoiled}},
		{d.http1, "GET", "/oauth2/sign-in", []option{inConnection}},
		{d.http2, "POST", "/oauth2/sign-in", []option{spoiled, body("name=x"), behind}},
		{d.http1, "POST", "/oauth2/logout", []option{inConnection, body("name=x"), behind}},
		{d.http2, "GET", "/order/headers", []option{bearer(alice), spoiled}},
		{d.http1, "GET", "/order", []option{bearer(alice), inConnection}},
		{d.http1, "POST", "/order", []option{bearer(alice), inConnection, body(orderBody("x"))}},
	} {
		d.doWith(ask.client, ask.method, ask.path, ask.with...)
		for pages := strings.HasPrefix(ask.path, "/oauth2/"); ; {
			r := <-arrived
			if pages == strings.HasPrefix(r.URL.Path, "/rpc/") {
				continue // the gateway follows the feed
			}
			for name, values := range r.Header {
				if text := strings.Join(values, " "); strings.Contains(text, "1111111111111111") || strings.Contains(text, "other") || strings.Contains(text, alice) {
					t.Errorf("%s %s: %s: %s arrived", ask.method, ask.path, name, text)
				}
			}
			if len(r.Trailer) > 0 || r.Header.Get("Connection") != "" {
				t.Errorf("%s %s: %v %v arrived", ask.method, ask.path, r.Trailer, r.Header)
			}
			if from := r.Header.Get("Client-Address"); pages != strings.HasPrefix(from, "127.0.0.1:") {
				t.Errorf("%s %s: Client-Address %q", ask.method, ask.path, from)
			}
			break
		}
	}
}

// What proves a workload to another one is nothing at the public listener.
func TestWhatModulesProveThemselvesWithIsNothingAtTheEdge(t *testing.T) {
	d := openSplit(t)
	given := d.exchangedToken("gateway", "order", sts.AccessToken, d.token("admin")).AccessToken.Reveal()
	forGateway := d.exchangedToken("gateway", "gateway", sts.AccessToken, d.token("admin")).AccessToken.Reveal()
	own := call[sts.WorkloadToken](d.callerWith("sts", d.certificateOf("gateway")), "sts.WorkloadToken", sts.WorkloadTokenRequest{Audience: d.identityOf("order")}).AccessToken.Reveal()
	client := d.newClient(ClientOptions{HTTP2: true, Certificate: d.certificateOf("gateway")})
	for what, raw := range map[string]string{"for order": given, "for the gateway": forGateway, "a workload's own": own} {
		d.expectRefusal(d.do("GET", "/order", bearer(raw)), 401, invalidToken)
		d.expectRefusal(d.doWith(client, "GET", "/order", bearer(raw)), 401, invalidToken)
		d.expectRefusal(d.do("GET", "/inventory", bearer(raw)), 401, invalidToken)
		if got := d.do("GET", "/ui/orders", withCookies(&http.Cookie{Name: sts.SessionCookie, Value: raw})); got.Status == 200 {
			t.Errorf("%s as a session: %d", what, got.Status)
		}
	}
	d.expectRefusal(d.doWith(client, "GET", "/order"), 401, "Bearer")
	for _, path := range []string{"/rpc/sts.Exchange", "/oauth2/../rpc/sts.Exchange", "/oauth2/%2e%2e/rpc/sts.Exchange", "/oauth2/..%2frpc/sts.Exchange", "/oauth2%2f..%2frpc/sts.Exchange",
		"/oauth2//rpc/sts.Exchange", "//rpc/sts.Exchange", "/oauth2/./jwks", "/oauth2/%2e/jwks", "/oauth2/jwks/", "/oauth2/jwks%00", "/oauth2/jwks%5c..", "/oauth2/%0d%0aX:y", "/oauth2/jwks%2f", "/OAUTH2/jwks"} {
		for _, how := range []*http.Client{client, d.http1} {
			for _, method := range []string{"GET", "POST"} {
				if got := d.doWith(how, method, path, setHeader("Rpc-Version", "1"), setHeader("Rpc-Timeout", "1000"), bearer(own)); got.Status != 404 {
					t.Errorf("%s %s: %d %s", method, path, got.Status, got.Body)
				}
			}
		}
	}
	if lines := d.log("sts").Lines("caller=gateway", "reason=not_proven"); len(lines) > 0 {
		t.Errorf("something arrived: %s", lines)
	}
}
