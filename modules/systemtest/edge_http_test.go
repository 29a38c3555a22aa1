package systemtest_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	e.place("head", alice)
	for _, path := range []string{"/order/head", "/inventory", "/inventory/" + sony, "/order", "/order/none", "/none", "/oauth2/jwks"} {
		for _, client := range []*http.Client{e.client, e.old} {
			get := e.doWith(client, "GET", path, bearer(alice))
			head := e.doWith(client, "HEAD", path, bearer(alice))
			if head.status != get.status || head.body != "" {
				t.Errorf("HEAD %s: %d %q, GET: %d", path, head.status, head.body, get.status)
			}
			for _, name := range []string{"Content-Length", "Content-Type", "ETag", "Cache-Control", "X-Content-Type-Options"} {
				if head.header.Get(name) != get.header.Get(name) {
					t.Errorf("HEAD %s: %s is %q, not %q", path, name, head.header.Get(name), get.header.Get(name))
				}
			}
		}
	}
	e.wantsRefusal(e.do("HEAD", "/order"), 401, "Bearer")
}

// RFC 9110 section 13.1.2.
func TestAKnownETagIsNotModified(t *testing.T) {
	e := openEdge(t)
	alice := e.token("alice")
	e.place("tagged", alice)
	tag := e.wants(e.do("GET", "/order/tagged"), 200).header.Get("ETag")
	if len(tag) < 4 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		t.Fatalf("ETag %s", tag)
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, same := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			got := e.wants(e.do(method, "/order/tagged", header("If-None-Match", same)), 304)
			if got.body != "" || got.header.Get("ETag") != tag || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("304 with %q %v", got.body, got.header)
			}
		}
		e.wants(e.do(method, "/order/tagged", header("If-None-Match", `"x"`)), 200)
		e.wants(e.do(method, "/order/tagged", header("If-None-Match", `"x"`), header("If-None-Match", tag)), 304)
	}
	e.wants(e.do("GET", "/order/tagged", bearer(alice), header("If-None-Match", tag)), 200) // another view
	e.wants(e.do("PUT", "/order/tagged", bearer(e.token("admin")), header("If-None-Match", tag), body(order2books)), 200)
	e.wants(e.do("GET", "/order/tagged", header("If-None-Match", tag)), 200) // another version
	e.wantsProblem(e.do("GET", "/order/none", header("If-None-Match", "*")), 404, "not_found")
}

func TestUnknownPathsAndMethods(t *testing.T) {
	e := openEdge(t)
	admin := e.token("admin")
	e.place("x", admin)
	for _, path := range []string{"/none", "/orders", "/order/x/y", "/order/x/", "/order/", "/Order/x", "/inventory/", "/inventory/books",
		"/inventory/books/978-1617295959/", "/inventory/books/978-1617295959/adjustments/1", "/oauth2", "/oauth2/", "/oauth2/none", "/.well-known/none",
		"/livez", "/readyz", "/metrics", "/debug/pprof/", "/debug/vars", "/.git/config", "/.env"} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
			for who, options := range map[string][]option{"nobody": nil, "admin": {bearer(admin)}, "a bad token": {bearer("x")}} {
				got := e.do(method, path, append(options, body("{}"))...)
				if got.status != 404 {
					t.Errorf("%s %s by %s: %d", method, path, who, got.status)
					continue
				}
				if p := e.wantsProblem(got, 404, "not_found"); p.Instance != path || p.Type != "about:blank" || p.Title != "Not Found" {
					t.Errorf("%s %s: %+v", method, path, p)
				}
			}
		}
	}
	for path, methods := range map[string]string{"/": "GET HEAD", "/order": "GET HEAD POST", "/order/x": "DELETE GET HEAD PUT", "/inventory": "GET HEAD",
		"/inventory/books/x/adjustments": "POST", "/oauth2/jwks": "GET HEAD"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "LOCK", "PROPFIND", "get", "XYZ"} {
			if strings.Contains(" "+methods+" ", " "+method+" ") {
				continue
			}
			got := e.do(method, path, bearer(admin))
			if e.wants(got, 405); method != "HEAD" {
				e.wantsProblem(got, 405, "method_not_allowed")
			}
			for allowed := range strings.FieldsSeq(methods) {
				if !strings.Contains(got.header.Get("Allow"), allowed) {
					t.Errorf("%s %s: Allow is %q", method, path, got.header.Get("Allow"))
				}
			}
		}
	}
}

func TestTheTraceIDIsOursAndInTheLog(t *testing.T) {
	e := openEdge(t)
	got := e.do("GET", "/order/none", header("X-Trace-Id", "mine"), header("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	p := e.wantsProblem(got, 404, "not_found")
	if got.header.Get("X-Trace-Id") != p.TraceID || strings.Contains(p.TraceID, "mine") {
		t.Errorf("header %q, problem %+v", got.header.Get("X-Trace-Id"), p)
	}
	if !strings.Contains(e.log.String(), "trace_id="+p.TraceID) {
		t.Error("the log does not know the trace id")
	}
}
