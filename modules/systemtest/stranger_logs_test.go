package systemtest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/modules/system"
)

// GET /order without a token wrote two lines each, 320 GB a day: the log of the public door is anybody's to write.
func TestStrangersDoNotFillTheLogOfThePublicDoor(t *testing.T) {
	for name, change := range map[string]func(*system.Config){"with rates": func(*system.Config) {}, "without rates": withoutRates} {
		t.Run(name, func(t *testing.T) {
			d := openSplit(t, change)
			started, sent := time.Now(), 0
			before := d.requests()
			flood := func(method, path string, options ...option) {
				for _, client := range []*http.Client{d.http1, d.http2} {
					sent += 200
					d.flood(200, client, method, path, options...)
				}
			}
			flood("GET", "/order")
			flood("GET", "/order", bearer("x"))
			flood("GET", "/order/none")
			flood("GET", "/none", header("X-Forwarded-For", "6.6.6.6"))
			flood("POST", "/order", body("{"))
			flood("GET", "/ui/", withCookies(&http.Cookie{Name: "__Host-session", Value: "made-up"}))
			flood("GET", "/oauth2/sign-in")
			flood("PURGE", "/order")
			const noise = 200
			for n := range noise { // what net/http would write a line about
				connection, err := tls.Dial("tcp", d.address, &tls.Config{RootCAs: d.roots, ServerName: "localhost"})
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(connection, [...]string{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "\x00", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"}[n%3])
				_ = connection.Close()
			}
			most := 10 * (int(time.Since(started).Seconds()) + 1)
			for _, module := range append(callees(), "gateway") {
				const kinds, atOnce = 5, 20
				lines := 0
				for line := range strings.Lines(d.log(module).String()) {
					if !strings.Contains(line, "level=DEBUG") { // which is for who asks for it
						lines++
					}
				}
				t.Logf("%s: %d requests and %d other connections in %.1f s: %d lines", module, sent, noise, time.Since(started).Seconds(), lines)
				if lines > kinds*atOnce+most {
					t.Errorf("%s: %d lines, want at most %d at once and %d after", module, lines, kinds*atOnce, most)
				}
			}
			if !eventually(func() bool { // the next one after a while tells how many were left out
				d.do("GET", "/order/none")
				return len(d.log("gateway").Lines("msg=request", "suppressed=")) > 0
			}) {
				t.Error("the log does not tell how many lines were left out")
			}
			if !eventually(func() bool { return d.requests()-before >= float64(sent) }) {
				t.Errorf("%.0f requests are counted, %d were sent", d.requests()-before, sent)
			}
			alice := d.token("alice")
			for n := range 5 { // whoever is proven is told of, each time
				trace := d.do("GET", fmt.Sprint("/order/", n), bearer(alice)).Header.Get("X-Trace-Id")
				d.expectLogged("gateway", "msg=request", "trace_id="+trace)
			}
		})
	}
}

// requests is how many the gateway has counted, and that each says how it ended.
func (d *deployment) requests() (all float64) {
	d.Helper()
	for name, value := range d.metrics("gateway") {
		if strings.HasPrefix(name, "oms_requests_total{") {
			if all += value; strings.Contains(name, "PURGE") || strings.Contains(name, "/none") {
				d.Errorf("a client can choose a label: %s", name)
			}
		}
	}
	return all
}

func TestRefusalsAreCountedByTheirReason(t *testing.T) {
	d := open(t, func(c *system.Config) { c.Server.Limits.Rates.Token = slow(1) })
	alice := d.token("alice")
	d.do("GET", "/order")
	d.do("GET", "/order/none", bearer(alice))
	d.do("POST", "/order", bearer(alice), body("{"))
	d.do("GET", "/none")
	d.do("GET", "/oauth2/jwks")
	d.do("GET", "/oauth2/jwks")
	got := d.metrics("gateway")
	for _, want := range []string{
		`{method="GET",reason="unauthenticated",route="/order",status="4xx"}`,
		`{method="GET",reason="not_found",route="/order/{id}",status="4xx"}`,
		`{method="POST",reason="malformed",route="/order",status="4xx"}`,
		`{method="",reason="not_found",route="",status="4xx"}`,
		`{method="GET",reason="",route="/oauth2/jwks",status="2xx"}`,
		`{method="GET",reason="rate_limited",route="/oauth2/jwks",status="4xx"}`,
	} {
		if got["oms_requests_total"+want] != 1 {
			t.Errorf("%s is %v, want 1", want, got["oms_requests_total"+want])
		}
	}
}
