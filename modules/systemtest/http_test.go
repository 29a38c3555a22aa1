package systemtest

import (
	"net/http"
	"strings"
	"testing"
)

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	d.placeOrder("head", alice)
	for _, path := range []string{"/order/head", "/inventory", "/inventory/" + headphones, "/order", "/order/none", "/none", "/oauth2/jwks"} {
		for _, client := range []*http.Client{d.http2, d.http1} {
			get := d.doWith(client, "GET", path, bearer(alice))
			head := d.doWith(client, "HEAD", path, bearer(alice))
			if head.Status != get.Status || head.Body != "" {
				t.Errorf("HEAD %s: %d %q, GET: %d", path, head.Status, head.Body, get.Status)
			}
			for _, name := range []string{"Content-Length", "Content-Type", "ETag", "Cache-Control", "X-Content-Type-Options"} {
				if head.Header.Get(name) != get.Header.Get(name) {
					t.Errorf("HEAD %s: %s is %q, not %q", path, name, head.Header.Get(name), get.Header.Get(name))
				}
			}
		}
	}
	d.expectRefusal(d.do("HEAD", "/order"), 401, "Bearer")
}

// RFC 9110 section 13.1.2.
func TestAKnownETagIsNotModified(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	d.placeOrder("tagged", alice)
	tag := d.expect(d.do("GET", "/order/tagged"), 200).Header.Get("ETag")
	if len(tag) < 4 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		t.Fatalf("ETag %s", tag)
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, same := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			got := d.expect(d.do(method, "/order/tagged", header("If-None-Match", same)), 304)
			if got.Body != "" || got.Header.Get("ETag") != tag || got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("304 with %q %v", got.Body, got.Header)
			}
		}
		d.expect(d.do(method, "/order/tagged", header("If-None-Match", `"x"`)), 200)
		d.expect(d.do(method, "/order/tagged", header("If-None-Match", `"x"`), header("If-None-Match", tag)), 304)
	}
	d.expect(d.do("GET", "/order/tagged", bearer(alice), header("If-None-Match", tag)), 200) // another view
	d.expect(d.do("PUT", "/order/tagged", bearer(d.token("admin")), header("If-None-Match", tag), body(changedOrder)), 200)
	d.expect(d.do("GET", "/order/tagged", header("If-None-Match", tag)), 200) // another version
	d.expectProblem(d.do("GET", "/order/none", header("If-None-Match", "*")), 404, "not_found")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	d := open(t)
	admin := d.token("admin")
	d.placeOrder("x", admin)
	for _, path := range []string{"/none", "/orders", "/order/x/y", "/order/x/", "/order/", "/Order/x", "/inventory/", "/inventory/books",
		"/inventory/books/978-1617295959/", "/inventory/books/978-1617295959/adjustments/1", "/oauth2", "/oauth2/", "/oauth2/none", "/.well-known/none",
		"/livez", "/readyz", "/metrics", "/debug/pprof/", "/debug/vars", "/.git/config", "/.env"} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
			for who, options := range map[string][]option{"nobody": nil, "admin": {bearer(admin)}, "a bad token": {bearer("x")}} {
				got := d.do(method, path, append(options, body("{}"))...)
				if got.Status != 404 {
					t.Errorf("%s %s by %s: %d", method, path, who, got.Status)
					continue
				}
				if p := d.expectProblem(got, 404, "not_found"); p.Instance != path || p.Type != "about:blank" || p.Title != "Not Found" {
					t.Errorf("%s %s: %+v", method, path, p)
				}
			}
		}
	}
	for path, methods := range map[string]string{"/": "GET HEAD", "/order": "GET HEAD POST", "/order/x": "DELETE GET HEAD PUT", "/inventory": "GET HEAD", "/inventory/books/x": "GET HEAD PUT",
		"/inventory/books/x/adjustments": "POST", "/oauth2/jwks": "GET HEAD"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "LOCK", "PROPFIND", "get", "XYZ"} {
			if strings.Contains(" "+methods+" ", " "+method+" ") {
				continue
			}
			got := d.do(method, path, bearer(admin))
			if d.expect(got, 405); method != "HEAD" {
				d.expectProblem(got, 405, "method_not_allowed")
			}
			for allowed := range strings.FieldsSeq(methods) {
				if !strings.Contains(got.Header.Get("Allow"), allowed) {
					t.Errorf("%s %s: Allow is %q", method, path, got.Header.Get("Allow"))
				}
			}
		}
	}
}

func TestTheTraceIDIsOursAndInTheLog(t *testing.T) {
	d := open(t)
	got := d.do("GET", "/order/none", header("X-Trace-Id", "mine"), header("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	p := d.expectProblem(got, 404, "not_found")
	if got.Header.Get("X-Trace-Id") != p.TraceID || strings.Contains(p.TraceID, "mine") {
		t.Errorf("header %q, problem %+v", got.Header.Get("X-Trace-Id"), p)
	}
	if !strings.Contains(d.log("gateway").String(), "trace_id="+p.TraceID) {
		t.Error("the log does not know the trace id")
	}
}
