package systemtest_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/rpc"
)

func everyOperation() []rpc.Operation {
	return slices.Concat(order.Operations.Operations(), inventory.Operations.Operations(), sts.Operations.Operations())
}

var everyMethod = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}

// CWE-749: an operation is reachable from outside only by the edge of its row.
func TestOperationsWithoutAnEdgeCannotBeReached(t *testing.T) {
	e := openEdge(t)
	admin := e.token("admin")
	e.wants(e.do("GET", "/inventory", bearer(admin)), 200)
	tried := 0
	for _, operation := range everyOperation() {
		row := operation.Row()
		if row.Edge.Bound() {
			continue
		}
		module, method, _ := strings.Cut(row.Name, ".")
		lower := strings.ToLower(method)
		for _, path := range []string{"/" + row.Name, "/rpc/" + row.Name, "/rpc/" + module + "/" + method, "/" + module + "/" + method, "/" + module + "/" + lower,
			"/api/" + row.Name, "/internal/" + row.Name, "/v1/" + module + "/" + lower, "/" + module + "." + lower, "/" + method, "/" + lower,
			"/oauth2/" + lower, "/oauth2/" + row.Name, "/order/../rpc/" + row.Name, "//rpc/" + row.Name, "/rpc%2f" + row.Name} {
			for _, verb := range everyMethod {
				tried++
				got := e.do(verb, path, bearer(admin), body(`{}`), header("Workload-Identity", "order"), header("X-Operation", row.Name))
				if got.status != 404 && got.status != 405 {
					t.Errorf("%s %s: %d %s", verb, path, got.status, got.body)
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
	e := openEdge(t)
	member := regexp.MustCompile(`\{[a-z_]+\}`)
	var scopes []string
	for _, user := range stshost.DemoUsers() {
		if user.Name == "admin" {
			scopes = user.Scopes
		}
	}
	all, none := e.token("admin"), e.token("admin", []string{}...)
	for _, operation := range everyOperation() {
		row := operation.Row()
		if !row.Edge.Bound() {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			path := member.ReplaceAllString(row.Edge.Path, "x")
			send := func(options ...option) reply {
				return e.do(row.Edge.Method, path, append(options, body("{"), header("X-HTTP-Method-Override", "GET"))...)
			}
			if got := send(bearer(all)); got.status == 401 || got.status == 403 || got.status >= 500 {
				t.Fatalf("with every scope: %d %s", got.status, got.body)
			}
			anonymous, bare := send(), send(bearer(none))
			e.wantsRefusal(send(bearer("x.y.z")), 401, invalidToken)
			if row.Who != rpc.User {
				if anonymous.status == 401 || anonymous.status == 403 {
					t.Errorf("anonymous: %d", anonymous.status)
				}
				return
			}
			e.wantsRefusal(anonymous, 401, "Bearer")
			if row.AnySignedIn {
				if bare.status == 401 || bare.status == 403 {
					t.Errorf("signed in: %d", bare.status)
				}
				return
			}
			if !slices.Contains(scopes, row.Scope) {
				t.Fatalf("nobody in the demo has the scope %s", row.Scope)
			}
			others := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == row.Scope })
			challenge := `Bearer error="insufficient_scope", scope="` + row.Scope + `"`
			e.wantsRefusal(bare, 403, challenge)
			e.wantsRefusal(send(bearer(e.token("admin", others...))), 403, challenge)
		})
	}
	if got := e.do(http.MethodOptions, "/order"); got.status >= 300 || got.body != "" {
		t.Errorf("OPTIONS: %d %q", got.status, got.body)
	}
}
