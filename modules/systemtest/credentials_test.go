package systemtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// RFC 6750 section 2: one credential, in the Authorization header and nowhere else.
func TestTokenInAnotherPlace(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	d.expect(d.do("GET", "/order", bearer(alice)), 200)
	inURL := "?access_token=" + url.QueryEscape(alice)

	d.expectProblem(d.do("GET", "/order"+inURL, bearer(alice)), 400, "malformed")
	d.expectProblem(d.do("GET", "/order/x"+inURL, bearer(alice)), 400, "malformed")
	d.expectProblem(d.do("POST", "/order"+inURL, bearer(alice), body(orderBody("o"))), 400, "malformed")
	d.expectProblem(d.do("GET", "/order", bearer(alice), header("Authorization", "Bearer "+alice)), 400, "malformed")
	d.expectProblem(d.do("GET", "/inventory", bearer(alice), header("Authorization", "Basic YTpi")), 400, "malformed")
	d.expectProblem(d.do("GET", "/order/x"+inURL), 400, "malformed") // no parameter of this route
	form := []option{body("access_token=" + alice), header("Content-Type", "application/x-www-form-urlencoded")}
	for name, options := range map[string][]option{
		"in a cookie":       {header("Cookie", "access_token="+alice+"; session="+alice+"; __Host-session="+alice)},
		"in a form":         form,
		"in another header": {header("X-Authorization", "Bearer "+alice), header("Proxy-Authorization", "Bearer "+alice), header("Access-Token", alice)},
		"forwarded":         {header("X-Forwarded-Authorization", "Bearer "+alice)},
	} {
		if got := d.do("POST", "/order", options...); got.Status != 401 || got.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %v", name, got.Status, got.Header)
		}
	}
	d.expectRefusal(d.do("GET", "/order"+inURL), 401, "Bearer")
	for _, bad := range []string{"Basic YWxpY2U6YWxpY2UtZGVtbw==", "Bearer", "Bearer ", "Bearer   ", "bearer: " + alice, alice, "Digest x", "Token " + alice,
		"Bearer " + alice + " x", "Bearer " + alice + ",", `Bearer token="` + alice + `"`, "DPoP " + alice, "Negotiate x", ""} {
		d.expectRefusal(d.do("GET", "/inventory", header("Authorization", bad)), 401, invalidToken)
		d.expectRefusal(d.do("GET", "/order", header("Authorization", bad)), 401, invalidToken)
	}
	d.expect(d.do("GET", "/order", header("Authorization", "bearer "+alice)), 200) // RFC 9110 section 11.1: the scheme ignores case
}

// CWE-290, CWE-348: what a client says about itself other than by a credential changes nothing.
func TestIdentityHeadersFromOutsideChangeNothing(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	admin := d.token("admin")
	d.placeOrder("hers", alice)
	public, full := d.do("GET", "/order/hers"), d.do("GET", "/order/hers", bearer(admin))
	if public.Body == full.Body {
		t.Fatal("both views are the same")
	}
	named := []string{"X-Jwt-Assertion", "X_JWT_Assertion", "X-Jwt-Sub", "Txn-Token", "Txn_Token", "Workload-Identity-Token", "Workload-Proof-Token",
		"X-User", "X-Forwarded-User", "X-Subject", "X-Scopes", "X-Caller", "X-Ssl-Client-Cert", "X-Forwarded-Client-Cert", "X-Original-Url", "X-Rewrite-Url"}
	var claimed []option
	for _, name := range named {
		for _, value := range []string{admin, "admin", "/order/hers"} {
			claimed = append(claimed, header(name, value))
		}
	}
	trailers := func(r *http.Request) {
		body("{}")(r)
		r.ContentLength = -1
		r.Trailer = http.Header{}
		for _, name := range append(named, "Authorization") {
			r.Trailer[http.CanonicalHeaderKey(name)] = []string{"Bearer " + admin}
		}
	}
	connection := header("Connection", "keep-alive, Authorization, Txn-Token, X-Jwt-Assertion")
	for name, options := range map[string][]option{"headers": claimed, "trailers": {trailers}, "Connection": slices.Concat(claimed, []option{connection})} {
		if got := d.doWith(d.http1, "GET", "/order/hers", options...); got.Status != 200 || got.Body != public.Body {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
		if got := d.doWith(d.http1, "GET", "/order", options...); got.Status != 401 {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
		if got := d.doWith(d.http1, "DELETE", "/order/hers", slices.Concat(options, []option{bearer(alice)})...); got.Status != 403 {
			t.Errorf("%s, with alice's token: %d %s", name, got.Status, got.Body)
		}
	}
	d.expect(d.do("GET", "/order/hers"), 200)
}

// CWE-346: neither the host that a client names nor where it says it comes from decides anything.
func TestForwardedAndHostAreIgnored(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	for i, change := range []option{
		func(r *http.Request) { r.Host = "evil.example" }, func(r *http.Request) { r.Host = "order" }, func(r *http.Request) { r.Host = "localhost:9445" },
		header("X-Forwarded-For", "127.0.0.1"), header("X-Forwarded-Host", "evil.example"), header("X-Forwarded-Proto", "http"), header("X-Forwarded-Prefix", "/x"),
		header("Forwarded", `for=127.0.0.1;host=evil.example;proto=http`), header("X-Real-Ip", "127.0.0.1"), header("X-Forwarded-Server", "evil.example"),
	} {
		for _, client := range []*http.Client{d.http2, d.http1} {
			got := d.doWith(client, "POST", "/order", bearer(alice), body(orderBody("host")), change)
			if got.Status != 201 || got.Header.Get("Location") != "/order/host" || strings.Contains(got.Body, "evil") {
				t.Errorf("change %d: %d %v %s", i, got.Status, got.Header, got.Body)
			}
			d.expectRefusal(d.doWith(client, "GET", "/order", change), 401, "Bearer")
		}
	}
}

// CWE-436: a method is what the request line says.
func TestMethodOverrideIsIgnored(t *testing.T) {
	d := open(t)
	admin := d.token("admin")
	d.placeOrder("stays", admin)
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Forwarded-Method"} {
		d.expect(d.do("GET", "/order/stays", bearer(admin), header(name, "DELETE")), 200)
		d.expectProblem(d.do("POST", "/order/stays", bearer(admin), header(name, "DELETE"), body("{}")), 405, "method_not_allowed")
		d.expectRefusal(d.do("DELETE", "/order/stays", header(name, "GET")), 401, "Bearer")
	}
	d.expectProblem(d.do("GET", "/order/stays?_method=DELETE", bearer(admin)), 400, "malformed")
	d.expect(d.do("GET", "/order/stays"), 200)
}
