package systemtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// CWE-22, CWE-436, CVE-2021-41773: another spelling of a path is another path; none gets past a rule.
func TestPathTricks(t *testing.T) {
	d := open(t)
	alice, admin := d.token("alice"), d.token("admin")
	d.placeOrder("target", alice)
	d.expect(d.do("GET", "/order/target"), 200)
	d.expect(d.do("GET", "/order", bearer(alice)), 200)
	for _, path := range []string{
		"//order/target", "/order//target", "/order/target/", "/./order/target", "/order/./target", "/order/x/../target", "/inventory/../order/target",
		"/order/%2e%2e/order/target", "/%2e/order/target", "/order/.%2e/order/target", "/order%2ftarget", "/order%2Ftarget", "/%2forder/target",
		"/order%5ctarget", "/order/..%5corder%5ctarget", `/order\target`, "/order/target;x=1", "/order;/target", "/order/target%00", "/order/target%00.json",
		"/order/target%0a", "/order/target%0d%0aX:1", "/order/target%20", "/order/target%09", "/order/target.json", "/order/target%2f", "/order/target%2f..%2ftarget",
		"/ORDER/target", "/order/Target", "/%6frder/target", "/order/%252e%252e/target", "/order/target%2523", "/order/%c0%ae%c0%ae/target", "/order/%e2%80%ae",
		"/order/targe%7", "/oauth2/../order/target", "/oauth2/%2e%2e/order/target", "/oauth2//..//order/target", "/order/" + strings.Repeat("a", 8000),
		"/order/target%ff", "/inventory/electronics/%2e%2e", "/inventory/electronics%2fSOWH1000XM4", "/inventory/electronics/x%2f..%2fSOWH1000XM4",
	} {
		for _, method := range []string{"GET", "DELETE", "PUT"} {
			for _, credential := range []string{"", alice, admin} {
				request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n", method, path)
				if credential != "" {
					request += "Authorization: Bearer " + credential + "\r\n"
				}
				for _, got := range d.sendRaw(request + "\r\n{}") {
					if got.Status < 400 || got.Status >= 500 {
						t.Errorf("%s %s: %d %s", method, path, got.Status, got.Body)
					}
					if got.Header.Get("Location") != "" {
						t.Errorf("%s %s leads to %s", method, path, got.Header.Get("Location"))
					}
				}
			}
		}
	}
	if got := d.expect(d.do("GET", "/order/target", bearer(alice)), 200); !strings.Contains(got.Body, `"version":2,`) {
		t.Errorf("the order was changed: %s", got.Body)
	}
}

// A path is decoded once: %2541 is %41, which is not A (CWE-174).
func TestAPathIsDecodedOnce(t *testing.T) {
	d := open(t)
	d.placeOrder("A", d.token("alice"))
	for _, same := range []string{"/order/A", "/order/%41"} {
		d.expect(d.do("GET", same), 200)
	}
	for _, other := range []string{"/order/%2541", "/order/%252541", "/order/%25"} {
		d.expectProblem(d.do("GET", other), 404, "not_found")
	}
}

// RFC 9112 section 3.2.2: the path of an absolute URI is judged like any other; its host decides nothing.
func TestAbsoluteURIsAreThePathsThatTheyHold(t *testing.T) {
	d := open(t)
	d.placeOrder("abs", d.token("alice"))
	for target, status := range map[string]int{
		"/order/abs": 200, "https://localhost/order/abs": 200, "http://evil.example/order/abs": 200, "https://evil.example/order": 401,
		"https://evil.example//order": 404, "https://user:pass@evil.example/order": 401, "ftp://evil.example/none": 404, "https://evil.example": 404,
	} {
		answers := d.sendRaw("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if len(answers) != 1 || answers[0].Status != status {
			t.Errorf("%s: %+v, want %d", target, answers, status)
		}
	}
	for _, request := range []string{"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n", "CONNECT /order HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"} {
		if answers := d.sendRaw(request); len(answers) != 1 || answers[0].Status < 400 || answers[0].Status > 499 {
			t.Errorf("%q: %+v", request, answers)
		}
	}
}

// CVE-2024-34155 and its like: more parameters than any reader keeps apart.
func TestTooManyParameters(t *testing.T) {
	d := open(t)
	d.expect(d.do("GET", "/inventory"), 200)
	for _, n := range []int{1, 10_000, 10_001} {
		query := strings.Repeat("&a=1", n)[1:]
		for _, path := range []string{"/inventory?", "/order/x?", "/none?"} {
			want := 400
			if path == "/none?" {
				want = 404
			}
			if got := d.do("GET", path+query); got.Status != want {
				t.Errorf("%s with %d: %d", path, n, got.Status)
			}
		}
	}
	d.expectRefusal(d.do("GET", "/order?"+strings.Repeat("&a=1", 10_001), bearer("x")), 401, invalidToken)
	if got := d.doWith(d.http1, "GET", "/inventory", header("X", strings.Repeat("x", 100_000))); got.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a head of 100 kB: %d", got.Status)
	}
}
