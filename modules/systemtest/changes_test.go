package systemtest

import (
	"strings"
	"testing"
)

const changedOrder = `{"name":"Changed","items":[{"category":"books","code":"978-1617295959","qty":2}]}`

func TestAnUpdateSwapsTheStock(t *testing.T) {
	d := open(t)
	admin := d.token("admin")
	d.placeOrder("swap", d.token("alice"))
	before := d.expect(d.do("GET", "/order/swap"), 200)
	for range 2 { // the same content again answers the same
		if got := d.expect(d.do("PUT", "/order/swap", bearer(admin), body(changedOrder)), 200); got.Body != `{"status":"Order 'swap' updated."}` {
			t.Errorf("answered %s", got.Body)
		}
	}
	if a, b := d.available(headphones), d.available(book); a != 75 || b != 8 {
		t.Errorf("%d and %d available", a, b)
	}
	after := d.expect(d.do("GET", "/order/swap"), 200)
	if !strings.Contains(after.Body, `"Changed"`) || after.Header.Get("ETag") == before.Header.Get("ETag") {
		t.Errorf("%s %s, before %s", after.Body, after.Header.Get("ETag"), before.Header.Get("ETag"))
	}
	short := strings.Replace(changedOrder, `"qty":2`, `"qty":11`, 1)
	p := d.expectProblem(d.do("PUT", "/order/swap", bearer(admin), body(short)), 409, "conflict")
	if p.Type != "/problems/out-of-stock" || len(p.Errors) != 1 || *p.Errors[0].Available != 10 {
		t.Errorf("%+v, want what the order holds counted as available to it", p)
	}
	if got := d.expect(d.do("GET", "/order/swap"), 200); got.Body != after.Body {
		t.Errorf("a refused update changed the order: %s", got.Body)
	}
	d.expectProblem(d.do("PUT", "/order/swap", bearer(admin), body(strings.Replace(changedOrder, "978", "none", 1))), 422, "invalid_argument")
	d.expectProblem(d.do("PUT", "/order/none", bearer(admin), body(changedOrder)), 404, "not_found")
	d.expectProblem(d.do("PUT", "/order/swap", bearer(admin), body(`{"id":"other","name":"x","items":[]}`)), 422, "invalid_argument")
}

func TestACancelledOrderIsGoneAndItsIDIsFree(t *testing.T) {
	d := open(t)
	alice, admin := d.token("alice"), d.token("admin")
	d.placeOrder("gone", alice)
	for range 2 {
		if got := d.expect(d.do("DELETE", "/order/gone", bearer(admin)), 200); got.Body != `{"status":"Order 'gone' removed."}` {
			t.Errorf("answered %s", got.Body)
		}
		if left := d.available(headphones); left != 75 {
			t.Errorf("%d available", left)
		}
	}
	d.expectProblem(d.do("GET", "/order/gone"), 404, "not_found")
	if got := d.expect(d.do("GET", "/order/gone", bearer(alice)), 200); !strings.Contains(got.Body, `"status":"cancelled"`) {
		t.Errorf("its owner sees %s", got.Body)
	}
	p := d.expectProblem(d.do("PUT", "/order/gone", bearer(admin), body(changedOrder)), 409, "conflict")
	if p.Type != "/problems/illegal-transition" {
		t.Errorf("%+v", p)
	}
	d.placeOrder("gone", d.token("bob"))
	if got := d.expect(d.do("GET", "/order/gone", bearer(admin)), 200); !strings.Contains(got.Body, `"owner":"bob"`) {
		t.Errorf("the live order is %s", got.Body)
	}
}

func TestProductsAreSetAndAdded(t *testing.T) {
	d := open(t)
	admin, alice := d.token("admin"), d.token("alice")
	put := func(product, text string) Reply {
		return d.do("PUT", "/inventory/"+product, bearer(admin), body(text))
	}
	const mug = `{"name":"A mug","price":{"amount":1250,"currency":"EUR"},"on_hand":3}`
	want := `{"category":"kitchen","code":"mug","name":"A mug","price":{"amount":1250,"currency":"EUR"},"available":3,"on_hand":3,"reserved":0}`
	if got := d.expect(put("kitchen/mug", mug), 201); got.Body != want {
		t.Errorf("added: %s", got.Body)
	}
	if got := d.expect(put("kitchen/mug", mug), 200); got.Body != want {
		t.Errorf("again: %s", got.Body)
	}
	d.expect(d.do("POST", "/order", bearer(alice), body(`{"id":"mugs","name":"Mugs","items":[{"category":"kitchen","code":"mug","qty":2}]}`)), 201)
	if p := d.expectProblem(put("kitchen/mug", `{"name":"A mug","price":{"amount":1250,"currency":"EUR"},"on_hand":1}`), 409, "conflict"); p.Type != "/problems/out-of-stock" {
		t.Errorf("%+v", p)
	}
	if p := d.expectProblem(put("kitchen/mug", `{}`), 422, "invalid_argument"); len(p.Errors) != 4 {
		t.Errorf("%+v", p)
	}
	d.expectProblem(put("kitchen/mug", `{"name":"A mug","price":{"amount":12.50,"currency":"EUR"},"on_hand":3}`), 422, "invalid_argument")
	d.expectProblem(put("kitchen/"+strings.Repeat("m", 65), mug), 422, "invalid_argument")
	d.expectRefusal(d.do("PUT", "/inventory/kitchen/mug", bearer(alice), body(mug)), 403, `Bearer error="insufficient_scope", scope="manage_inventory"`)
	if left := d.available("kitchen/mug"); left != 1 {
		t.Errorf("%d available", left)
	}
}

func TestAdjustments(t *testing.T) {
	d := open(t)
	admin, alice := d.token("admin"), d.token("alice")
	d.placeOrder("holds-one", alice)
	adjust := func(text string) Reply {
		return d.do("POST", "/inventory/"+headphones+"/adjustments", bearer(admin), body(text))
	}
	got := d.expect(adjust(`{"delta":5,"reason":"delivery","expected":75}`), 200)
	if want := `"available":79,"on_hand":80,"reserved":1}`; !strings.HasSuffix(got.Body, want) {
		t.Errorf("%s, want %s", got.Body, want)
	}
	d.expectProblem(adjust(`{"delta":5,"reason":"delivery","expected":75}`), 412, "precondition_failed")
	if p := d.expectProblem(adjust(`{"delta":-80,"reason":"lost"}`), 409, "conflict"); p.Type != "/problems/out-of-stock" {
		t.Errorf("%+v", p)
	}
	if p := d.expectProblem(adjust(`{"delta":0,"reason":"","expected":-1}`), 422, "invalid_argument"); len(p.Errors) != 3 {
		t.Errorf("%+v", p)
	}
	d.expectProblem(adjust(`{"delta":1e2,"reason":"x"}`), 422, "invalid_argument")
	d.expectProblem(d.do("POST", "/inventory/books/none/adjustments", bearer(admin), body(`{"delta":1,"reason":"x"}`)), 404, "not_found")
	d.expectRefusal(d.do("POST", "/inventory/"+headphones+"/adjustments", bearer(alice), body(`{"delta":1,"reason":"x"}`)), 403,
		`Bearer error="insufficient_scope", scope="manage_inventory"`)
	if left := d.available(headphones); left != 79 {
		t.Errorf("%d available", left)
	}
	public := d.expect(d.do("GET", "/inventory/"+headphones, bearer(alice)), 200).Body
	full := d.expect(d.do("GET", "/inventory/"+headphones, bearer(admin)), 200).Body
	if strings.Contains(public, "on_hand") || !strings.Contains(full, `"on_hand":80`) {
		t.Errorf("the public sees %s, an administrator %s", public, full)
	}
}
