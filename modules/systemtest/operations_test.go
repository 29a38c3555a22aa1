package systemtest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	stshost "oms/modules/sts/host"
	"oms/platform/rpc"
)

var allMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}

// CWE-749: an operation is reachable from outside only by the edge of its row.
func TestOperationsWithoutAnEdgeCannotBeReached(t *testing.T) {
	d := open(t, withoutRates) // thousands of requests, as fast as they are answered
	admin := d.token("admin")
	d.expect(d.do("GET", "/inventory", bearer(admin)), 200)
	tried := 0
	for _, operation := range allOperations() {
		row := operation.Row()
		if row.Edge.Bound() {
			continue
		}
		module, method, _ := strings.Cut(row.Name, ".")
		lower := strings.ToLower(method)
		for _, path := range []string{"/" + row.Name, "/rpc/" + row.Name, "/rpc/" + module + "/" + method, "/" + module + "/" + method, "/" + module + "/" + lower,
			"/api/" + row.Name, "/internal/" + row.Name, "/v1/" + module + "/" + lower, "/" + module + "." + lower, "/" + method, "/" + lower,
			"/oauth2/" + lower, "/oauth2/" + row.Name, "/order/../rpc/" + row.Name, "//rpc/" + row.Name, "/rpc%2f" + row.Name} {
			for _, verb := range allMethods {
				tried++
				got := d.do(verb, path, bearer(admin), body(`{}`), header("Workload-Identity", "order"), header("X-Operation", row.Name))
				if got.Status != 404 && got.Status != 405 {
					t.Errorf("%s %s: %d %s", verb, path, got.Status, got.Body)
				}
			}
		}
	}
	if tried == 0 {
		t.Fatal("no operation without an edge was found")
	}
}

// Every edge asks for what its row says, whatever the table: generated, so that no row is forgotten.
func TestEveryEdgeAsksForItsScope(t *testing.T) {
	d := open(t)
	member := regexp.MustCompile(`\{[a-z_]+\}`)
	var scopes []string
	for _, user := range stshost.DemoUsers() {
		if user.Name == "admin" {
			scopes = user.Scopes
		}
	}
	all, none := d.token("admin"), d.token("admin", []string{}...)
	for _, operation := range allOperations() {
		row := operation.Row()
		if !row.Edge.Bound() {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			path := member.ReplaceAllString(row.Edge.Path, "x")
			send := func(options ...option) Reply {
				return d.do(row.Edge.Method, path, append(options, body("{"), header("X-HTTP-Method-Override", "GET"))...)
			}
			if got := send(bearer(all)); got.Status == 401 || got.Status == 403 || got.Status >= 500 {
				t.Fatalf("with every scope: %d %s", got.Status, got.Body)
			}
			anonymous, bare := send(), send(bearer(none))
			d.expectRefusal(send(bearer("x.y.z")), 401, invalidToken)
			if row.Who != rpc.User {
				if anonymous.Status == 401 || anonymous.Status == 403 {
					t.Errorf("anonymous: %d", anonymous.Status)
				}
				return
			}
			d.expectRefusal(anonymous, 401, "Bearer")
			if row.AnySignedIn {
				if bare.Status == 401 || bare.Status == 403 {
					t.Errorf("signed in: %d", bare.Status)
				}
				return
			}
			if !slices.Contains(scopes, row.Scope) {
				t.Fatalf("nobody in the demo has the scope %s", row.Scope)
			}
			others := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == row.Scope })
			challenge := `Bearer error="insufficient_scope", scope="` + row.Scope + `"`
			d.expectRefusal(bare, 403, challenge)
			d.expectRefusal(send(bearer(d.token("admin", others...))), 403, challenge)
		})
	}
	if got := d.do(http.MethodOptions, "/order"); got.Status >= 300 || got.Body != "" {
		t.Errorf("OPTIONS: %d %q", got.Status, got.Body)
	}
}
