package systemtest

import (
	"regexp"
	"strings"
	"testing"

	"oms/platform/database"
)

// leaks is what an answer must not show: a stack, SQL, a file, a Go type or the language's own error texts (CWE-209).
var leaks = regexp.MustCompile(`(?i)goroutine|\.go\b|panic|runtime|SELECT |INSERT |sqlite|constraint|no such table|/tmp/|/home/|/root/|\.db\b|oms/|\*[a-z]+\.[A-Z]|nil pointer|interface \{|strconv\.|json:|0x[0-9a-f]{6}`)

func TestErrorsShowNothingOfTheInside(t *testing.T) {
	d := open(t)
	alice, admin := d.token("alice"), d.token("admin")
	d.placeOrder("leak", alice)
	answers := []Reply{
		d.do("GET", "/order/%ff"), d.do("GET", "/order/'%20OR%201=1%20--"), d.do("GET", "/inventory/a'b/%22"), d.do("GET", "/order?after=JyBPUg", bearer(alice)),
		d.do("GET", "/order?limit=99999999999999999999", bearer(alice)), d.do("GET", "/order?limit=%zz", bearer(alice)), d.do("GET", "/%ff"),
		d.do("POST", "/order", bearer(alice), body("{")), d.do("POST", "/order", bearer(alice), body(`{"items":[{"qty":1e400}]}`)),
		d.do("POST", "/order", bearer(alice), body(`{"name":"x'); DROP TABLE orders; --","items":[{"category":"' OR '1'='1","code":"x","qty":1}]}`)),
		d.do("PUT", "/order/leak", bearer(admin), body(`[]`)), d.do("PATCH", "/order/leak"), d.do("GET", "/order", bearer("x.y.z")),
	}
	for i, got := range answers {
		if got.Status < 400 || got.Status > 499 || leaks.MatchString(got.Body) {
			t.Errorf("answer %d: %d %s", i, got.Status, got.Body)
		}
	}
	d.expect(d.do("GET", "/order/leak"), 200)

	// What is broken inside is a 500 or 503 with a trace id; the cause is in the log alone.
	if err := d.store("order").Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(`ALTER TABLE orders RENAME COLUMN items TO broken`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, got := range []Reply{d.do("GET", "/order/leak"), d.do("GET", "/order", bearer(alice)), d.do("POST", "/order", bearer(alice), body(orderBody("broken")))} {
		p := d.expectProblem(got, 500, "internal")
		if leaks.MatchString(got.Body) {
			t.Errorf("the answer shows the inside: %s", got.Body)
		}
		if !strings.Contains(d.log("gateway").String(), "trace_id="+p.TraceID) {
			t.Errorf("the log does not have the trace id %s", p.TraceID)
		}
	}
	if !strings.Contains(d.log("gateway").String(), "no such column") {
		t.Error("the log does not have the cause")
	}
}
