package systemtest

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"oms/modules/system"
	"oms/platform/limits"
)

// flood sends a request over and over, many at once, and gives how often it was answered with each status.
func (d *deployment) flood(times int, client *http.Client, method, path string, options ...option) (statuses map[int]int, last429 Reply) {
	d.Helper()
	statuses = map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	var sent atomic.Int64
	for range 8 {
		all.Go(func() {
			for sent.Add(1) <= int64(times) {
				got := d.doWith(client, method, path, options...)
				mu.Lock()
				if statuses[got.Status]++; got.Status == 429 {
					last429 = got
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	d.Logf("%d times %s %s: %v", times, method, path, statuses)
	return statuses, last429
}

// slow lets in a few requests, and the next one after a minute.
func slow(burst int64) limits.Rate { return limits.Rate{PerSecond: 1, Burst: burst} }

func (d *deployment) expectTooOften(got Reply, class string) {
	d.Helper()
	for name, want := range map[string]string{"RateLimit-Policy": `^"` + class + `";q=\d+;w=\d+$`, "RateLimit": `^"` + class + `";r=0;t=\d+$`, "Retry-After": `^[1-9]\d*$`} {
		if !regexp.MustCompile(want).MatchString(got.Header.Get(name)) {
			d.Errorf("%s is %q, want %s", name, got.Header.Get(name), want)
		}
	}
}

// What the defaults let through of one user, and that nobody else feels it.
func TestAUserWhoFloodsIsAskedToSlowDownAndNobodyElse(t *testing.T) {
	d := open(t)
	alice, bob := d.token("alice"), d.token("bob")
	statuses, refused := d.flood(2000, d.http2, "POST", "/order", bearer(alice), body("{"))
	if statuses[400] < 200 || statuses[429] < 100 || statuses[400]+statuses[429] != 2000 {
		t.Errorf("answered %v, want at least 200 of 400 and 100 of 429, and nothing else", statuses)
	}
	d.expectProblem(refused, 429, "rate_limited")
	d.expectTooOften(refused, "write")
	d.placeOrder("bob", bob)
	d.expect(d.do("GET", "/order", bearer(alice)), 200)
	d.expect(d.do("GET", "/order/bob"), 200)
}

func TestEveryClassHasItsRate(t *testing.T) {
	d := open(t, func(c *system.Config) {
		c.Server.Limits.Rates = limits.RateSettings{Enabled: true, SignIn: slow(2), Token: slow(2), Write: slow(8), Read: slow(8)}
	})
	alice, form := d.token("alice"), setHeader("Content-Type", "application/x-www-form-urlencoded")
	session := d.signIn("alice")
	for _, c := range []struct {
		method, path, class string
		with                []option
		most                int // that are let in; a request a second is on top
	}{
		{"GET", "/order/x", "read", nil, 4},
		{"GET", "/order", "read", []option{bearer(alice)}, 8},
		{"GET", "/inventory", "read", []option{bearer("not a token")}, 4},
		{"DELETE", "/order/x", "write", []option{bearer(alice)}, 8},
		{"POST", "/order", "write", []option{body("{}")}, 4},
		{"GET", "/oauth2/jwks", "token", nil, 2},
		{"POST", "/oauth2/sign-in", "sign-in", []option{form, body("name=x")}, 2},
		{"POST", "/ui/basket", "write", []option{withCookies(session), form, body("")}, 8},
		{"GET", "/ui/basket", "read", []option{withCookies(session)}, 8},
	} {
		statuses, refused := d.flood(40, d.http2, c.method, c.path, c.with...)
		if let := 40 - statuses[429]; let > c.most+5 || statuses[429] == 0 || statuses[500] > 0 {
			t.Errorf("%s %s: %d are let in, want some %d", c.method, c.path, let, c.most)
		}
		d.expectTooOften(refused, c.class)
		if page := strings.HasPrefix(refused.Header.Get("Content-Type"), "text/html"); page != (c.class == "sign-in" || strings.HasPrefix(c.path, "/ui/")) {
			t.Errorf("%s %s is refused with %s", c.method, c.path, refused.Header.Get("Content-Type"))
		}
	}
}

// A credential that proves nothing is looked at less and less, and a good one from elsewhere as before.
func TestBadCredentialsOfOneAddressHurtNobodyElsewhere(t *testing.T) {
	d := open(t, func(c *system.Config) { c.Server.Limits.Rates.Read = slow(20) })
	elsewhere := d.newClient(ClientOptions{HTTP2: true, From: net.IPv4(127, 0, 0, 2)})
	alice := d.token("alice")
	statuses, _ := d.flood(200, d.http2, "GET", "/order", bearer("x"))
	if statuses[401] < 10 || statuses[401] > 10+8+5 || statuses[429] < 150 { // 8 are under way at once
		t.Errorf("answered %v", statuses)
	}
	d.expect(d.doWith(elsewhere, "GET", "/order", bearer(alice)), 200)
	d.expect(d.do("GET", "/order/none"), 404) // without a credential
}

func TestClientsBehindAProxyHaveRatesOfTheirOwn(t *testing.T) {
	d := open(t, behindProxy, func(c *system.Config) { c.Server.Limits.Rates.Read = slow(20) })
	d.flood(100, d.http2, "GET", "/order/x", header("X-Forwarded-For", "2001:db8:1:2::1"))
	d.expect(d.do("GET", "/order/x", header("X-Forwarded-For", "2001:db8:1:3::1")), 404)
	got := d.do("GET", "/order/x", header("X-Forwarded-For", "2001:db8:1:2:ffff::9")) // the same host, which has 2^64 addresses
	d.expectProblem(got, 429, "rate_limited")
}

func TestRatesCanBeSwitchedOff(t *testing.T) {
	d := open(t, func(c *system.Config) {
		c.Server.Limits.Rates = limits.RateSettings{SignIn: slow(1), Token: slow(1), Write: slow(1), Read: slow(1)}
	})
	if statuses, _ := d.flood(500, d.http2, "GET", "/order/x"); statuses[404] != 500 {
		t.Errorf("answered %v", statuses)
	}
}
