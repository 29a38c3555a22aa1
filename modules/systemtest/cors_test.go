package systemtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"oms/modules/system"
)

// Scripts of the configured origins read what the API answers, refusals too; those of others, and pages for people, are kept
// from scripts.
func TestScriptsOfOtherSitesReadTheAPIWhereThatIsConfigured(t *testing.T) {
	const friend, stranger = "https://dashboard.example.com", "https://evil.example.com"
	d := open(t, func(c *system.Config) { c.Server.CORS.Origins = []string{friend, "http://localhost:3000"} })
	origin := func(from string) option { return header("Origin", from) }
	for _, path := range []string{"/inventory", "/order/none", "/order", "/oauth2/jwks", "/order?limit=x"} {
		for _, from := range []string{friend, "http://localhost:3000"} {
			got := d.do("GET", path, origin(from))
			if got.Header.Get("Access-Control-Allow-Origin") != from || !slices.Contains(got.Header.Values("Vary"), "Origin") ||
				!strings.Contains(got.Header.Get("Access-Control-Expose-Headers"), "X-Trace-Id") || got.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("GET %s from %s: %d %v", path, from, got.Status, got.Header)
			}
		}
		for _, from := range []string{stranger, "null", "*", friend + ".evil.example.com", "http://dashboard.example.com", strings.ToUpper(friend), friend + ":443", friend + "/"} {
			if got := d.do("GET", path, origin(from)); got.Header.Get("Access-Control-Allow-Origin") != "" || !slices.Contains(got.Header.Values("Vary"), "Origin") {
				t.Errorf("GET %s from %s: %d %v", path, from, got.Status, got.Header)
			}
		}
		if got := d.do("GET", path); got.Header.Get("Access-Control-Allow-Origin") != "" || !slices.Contains(got.Header.Values("Vary"), "Origin") {
			t.Errorf("GET %s from nowhere: %v", path, got.Header)
		}
	}
	for _, path := range []string{"/ui/", "/oauth2/sign-in", "/oauth2/logout", "/none", "/"} {
		if got := d.do("GET", path, origin(friend)); got.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("GET %s: %v", path, got.Header)
		}
	}
}

func TestABrowserAsksBeforeAScriptSendsSomething(t *testing.T) {
	const friend = "https://dashboard.example.com"
	d := open(t, func(c *system.Config) { c.Server.CORS.Origins = []string{friend} })
	ask := func(path, from, method string) Reply {
		return d.do("OPTIONS", path, header("Origin", from), header("Access-Control-Request-Method", method), header("Access-Control-Request-Headers", "authorization,content-type"))
	}
	for path, methods := range map[string]string{"/order": "GET, POST", "/order/some": "DELETE, GET, PUT", "/oauth2/jwks": "GET"} {
		got := ask(path, friend, "POST")
		if got.Status != http.StatusNoContent || got.Body != "" || got.Header.Get("Access-Control-Allow-Methods") != methods ||
			!strings.Contains(got.Header.Get("Access-Control-Allow-Headers"), "Authorization") || got.Header.Get("Access-Control-Allow-Origin") != friend || got.Header.Get("Access-Control-Max-Age") == "" {
			t.Errorf("%s: %d %v %s", path, got.Status, got.Header, got.Body)
		}
	}
	for name, got := range map[string]Reply{
		"another origin":       ask("/order", "https://evil.example.com", "POST"),
		"a page":               ask("/ui/orders", friend, "POST"),
		"a form":               ask("/oauth2/sign-in", friend, "POST"),
		"nothing":              ask("/none", friend, "POST"),
		"no question":          d.do("OPTIONS", "/order", header("Origin", friend)),
		"nobody is configured": open(t).do("OPTIONS", "/order", header("Origin", friend), header("Access-Control-Request-Method", "POST")),
	} {
		if got.Header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: %d %v", name, got.Status, got.Header)
		}
	}
	if got := open(t).do("GET", "/inventory", header("Origin", friend)); got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("Vary") != "" {
		t.Errorf("where nobody is configured: %v", got.Header)
	}
}
