package systemtest_test

import (
	"regexp"
	"strings"
	"testing"

	"oms/platform/database"
)

// leaks is what an answer must not show: a stack, SQL, a file, a Go type or the language's own error texts (CWE-209).
var leaks = regexp.MustCompile(`(?i)goroutine|\.go\b|panic|runtime|SELECT |INSERT |sqlite|constraint|no such table|/tmp/|/home/|/root/|\.db\b|oms/|\*[a-z]+\.[A-Z]|nil pointer|interface \{|strconv\.|json:|0x[0-9a-f]{6}`)

func TestErrorsShowNothingOfTheInside(t *testing.T) {
	e := openEdge(t)
	alice, admin := e.token("alice"), e.token("admin")
	e.place("leak", alice)
	answers := []reply{
		e.do("GET", "/order/%ff"), e.do("GET", "/order/'%20OR%201=1%20--"), e.do("GET", "/inventory/a'b/%22"), e.do("GET", "/order?after=JyBPUg", bearer(alice)),
		e.do("GET", "/order?limit=99999999999999999999", bearer(alice)), e.do("GET", "/order?limit=%zz", bearer(alice)), e.do("GET", "/%ff"),
		e.do("POST", "/order", bearer(alice), body("{")), e.do("POST", "/order", bearer(alice), body(`{"items":[{"qty":1e400}]}`)),
		e.do("POST", "/order", bearer(alice), body(`{"name":"x'); DROP TABLE orders; --","items":[{"category":"' OR '1'='1","code":"x","qty":1}]}`)),
		e.do("PUT", "/order/leak", bearer(admin), body(`[]`)), e.do("PATCH", "/order/leak"), e.do("GET", "/order", bearer("x.y.z")),
	}
	for i, got := range answers {
		if got.status < 400 || got.status > 499 || leaks.MatchString(got.body) {
			t.Errorf("answer %d: %d %s", i, got.status, got.body)
		}
	}
	e.wants(e.do("GET", "/order/leak"), 200)

	// What is broken inside is a 500 or 503 with a trace id; the cause is in the log alone.
	if err := e.store("order").Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(`ALTER TABLE orders RENAME COLUMN items TO broken`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, got := range []reply{e.do("GET", "/order/leak"), e.do("GET", "/order", bearer(alice)), e.do("POST", "/order", bearer(alice), body(anOrder("broken")))} {
		p := e.wantsProblem(got, 500, "internal")
		if leaks.MatchString(got.body) {
			t.Errorf("the answer shows the inside: %s", got.body)
		}
		if !strings.Contains(e.log.String(), "trace_id="+p.TraceID) {
			t.Errorf("the log does not have the trace id %s", p.TraceID)
		}
	}
	if !strings.Contains(e.log.String(), "no such column") {
		t.Error("the log does not have the cause")
	}
}

// CWE-532: the log is read by people who may not act for the users in it.
func TestTheLogHoldsNoCredential(t *testing.T) {
	f := newForge(openEdge(t))
	good, bad := f.own(f.header, f.claims), f.own(f.header, f.claims.with(claims{"aud": "x"}))
	f.accepted(good)
	f.refused("another audience", bad)
	f.do("GET", "/order?access_token="+good)
	f.do("GET", "/none/"+good)
	f.do("GET", "/order", header("Authorization", "Basic YWxpY2U6YWxpY2UtZGVtbw=="))
	log := f.log.String()
	if !strings.Contains(log, "msg=request") {
		t.Fatalf("the log has no request: %s", log)
	}
	for _, raw := range []string{good, bad} {
		for _, part := range strings.Split(raw, ".")[1:] {
			if strings.Contains(log, part) {
				t.Errorf("the log holds a part of a token: %.20s", part)
			}
		}
	}
	for _, secret := range []string{"YWxpY2U6", "alice-demo", "access_token", "Bearer "} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}
