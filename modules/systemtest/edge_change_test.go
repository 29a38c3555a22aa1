package systemtest_test

import (
	"strings"
	"testing"
)

const order2books = `{"name":"Changed","items":[{"category":"books","code":"978-1617295959","qty":2}]}`

func TestAnUpdateSwapsTheStock(t *testing.T) {
	e := openEdge(t)
	admin := e.token("admin")
	e.place("swap", e.token("alice"))
	before := e.wants(e.do("GET", "/order/swap"), 200)
	for range 2 { // the same content again answers the same
		if got := e.wants(e.do("PUT", "/order/swap", bearer(admin), body(order2books)), 200); got.body != `{"status":"Order 'swap' updated."}` {
			t.Errorf("answered %s", got.body)
		}
	}
	if a, b := e.available(sony), e.available(book); a != 75 || b != 8 {
		t.Errorf("%d and %d available", a, b)
	}
	after := e.wants(e.do("GET", "/order/swap"), 200)
	if !strings.Contains(after.body, `"Changed"`) || after.header.Get("ETag") == before.header.Get("ETag") {
		t.Errorf("%s %s, before %s", after.body, after.header.Get("ETag"), before.header.Get("ETag"))
	}
	short := strings.Replace(order2books, `"qty":2`, `"qty":11`, 1)
	p := e.wantsProblem(e.do("PUT", "/order/swap", bearer(admin), body(short)), 409, "conflict")
	if p.Type != "out-of-stock" || len(p.Errors) != 1 || *p.Errors[0].Available != 10 {
		t.Errorf("%+v, want what the order holds counted as available to it", p)
	}
	if got := e.wants(e.do("GET", "/order/swap"), 200); got.body != after.body {
		t.Errorf("a refused update changed the order: %s", got.body)
	}
	e.wantsProblem(e.do("PUT", "/order/swap", bearer(admin), body(strings.Replace(order2books, "978", "none", 1))), 422, "invalid_argument")
	e.wantsProblem(e.do("PUT", "/order/none", bearer(admin), body(order2books)), 404, "not_found")
	e.wantsProblem(e.do("PUT", "/order/swap", bearer(admin), body(`{"id":"other","name":"x","items":[]}`)), 422, "invalid_argument")
}

func TestACancelledOrderIsGoneAndItsIDIsFree(t *testing.T) {
	e := openEdge(t)
	alice, admin := e.token("alice"), e.token("admin")
	e.place("gone", alice)
	for range 2 {
		if got := e.wants(e.do("DELETE", "/order/gone", bearer(admin)), 200); got.body != `{"status":"Order 'gone' removed."}` {
			t.Errorf("answered %s", got.body)
		}
		if left := e.available(sony); left != 75 {
			t.Errorf("%d available", left)
		}
	}
	e.wantsProblem(e.do("GET", "/order/gone"), 404, "not_found")
	if got := e.wants(e.do("GET", "/order/gone", bearer(alice)), 200); !strings.Contains(got.body, `"status":"cancelled"`) {
		t.Errorf("its owner sees %s", got.body)
	}
	p := e.wantsProblem(e.do("PUT", "/order/gone", bearer(admin), body(order2books)), 409, "conflict")
	if p.Type != "illegal-transition" {
		t.Errorf("%+v", p)
	}
	e.place("gone", e.token("bob"))
	if got := e.wants(e.do("GET", "/order/gone", bearer(admin)), 200); !strings.Contains(got.body, `"owner":"bob"`) {
		t.Errorf("the live order is %s", got.body)
	}
}

func TestAdjustments(t *testing.T) {
	e := openEdge(t)
	admin, alice := e.token("admin"), e.token("alice")
	e.place("holds-one", alice)
	adjust := func(text string) reply {
		return e.do("POST", "/inventory/"+sony+"/adjustments", bearer(admin), body(text))
	}
	got := e.wants(adjust(`{"delta":5,"reason":"delivery","expected":75}`), 200)
	if want := `"available":79,"on_hand":80,"reserved":1}`; !strings.HasSuffix(got.body, want) {
		t.Errorf("%s, want %s", got.body, want)
	}
	e.wantsProblem(adjust(`{"delta":5,"reason":"delivery","expected":75}`), 412, "precondition_failed")
	if p := e.wantsProblem(adjust(`{"delta":-80,"reason":"lost"}`), 409, "conflict"); p.Type != "out-of-stock" {
		t.Errorf("%+v", p)
	}
	if p := e.wantsProblem(adjust(`{"delta":0,"reason":"","expected":-1}`), 422, "invalid_argument"); len(p.Errors) != 3 {
		t.Errorf("%+v", p)
	}
	e.wantsProblem(adjust(`{"delta":1e2,"reason":"x"}`), 422, "invalid_argument")
	e.wantsProblem(e.do("POST", "/inventory/books/none/adjustments", bearer(admin), body(`{"delta":1,"reason":"x"}`)), 404, "not_found")
	e.wantsRefusal(e.do("POST", "/inventory/"+sony+"/adjustments", bearer(alice), body(`{"delta":1,"reason":"x"}`)), 403,
		`Bearer error="insufficient_scope", scope="manage_inventory"`)
	if left := e.available(sony); left != 79 {
		t.Errorf("%d available", left)
	}
	public := e.wants(e.do("GET", "/inventory/"+sony, bearer(alice)), 200).body
	full := e.wants(e.do("GET", "/inventory/"+sony, bearer(admin)), 200).body
	if strings.Contains(public, "on_hand") || !strings.Contains(full, `"on_hand":80`) {
		t.Errorf("the public sees %s, an administrator %s", public, full)
	}
}
