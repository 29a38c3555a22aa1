package systemtest

import (
	"strings"
	"testing"
)

// Who prefers to see what has become of an order sees it as GET shows it, and everybody else the line that was there before.
func TestWhoPrefersItGetsTheOrder(t *testing.T) {
	for name, opened := range everyShape {
		t.Run(name, func(t *testing.T) {
			d := opened(t)
			alice, admin, clerk := d.token("alice"), d.token("admin"), d.token("admin", "update_order", "cancel_order")
			prefer := header("Prefer", "respond-async, return=representation")
			applied := func(got Reply, status int) Reply {
				t.Helper()
				if d.expect(got, status); got.Header.Get("Preference-Applied") != "return=representation" || got.Header.Get("ETag") == "" {
					t.Errorf("%v %s", got.Header, got.Body)
				}
				return got
			}
			placed := applied(d.do("POST", "/order", bearer(alice), body(orderBody("shown")), prefer), 201)
			if read := d.expect(d.do("GET", "/order/shown", bearer(alice)), 200); placed.Body != read.Body || placed.Header.Get("ETag") != read.Header.Get("ETag") || placed.Header.Get("Location") != "/order/shown" {
				t.Errorf("placed %s, read %s", placed.Body, read.Body)
			}
			if again := applied(d.do("POST", "/order", bearer(alice), body(orderBody("shown")), prefer), 201); again.Body != placed.Body {
				t.Errorf("again: %s", again.Body)
			}
			changed := applied(d.do("PUT", "/order/shown", bearer(admin), body(changedOrder), prefer), 200)
			if read := d.expect(d.do("GET", "/order/shown", bearer(admin)), 200); changed.Body != read.Body || !strings.Contains(read.Body, `"owner":"alice"`) {
				t.Errorf("changed %s, read %s", changed.Body, read.Body)
			}
			if public := applied(d.do("PUT", "/order/shown", bearer(clerk), body(changedOrder), prefer), 200); strings.Contains(public.Body, "owner") || !strings.Contains(public.Body, "Changed") {
				t.Errorf("without view_orders: %s", public.Body)
			}
			if gone := applied(d.do("DELETE", "/order/shown", bearer(admin), prefer), 200); !strings.Contains(gone.Body, `"status":"cancelled"`) {
				t.Errorf("cancelled %s", gone.Body)
			}
			if gone := applied(d.do("DELETE", "/order/shown", bearer(clerk), prefer), 200); strings.Contains(gone.Body, "alice") {
				t.Errorf("cancelled, without view_orders: %s", gone.Body)
			}
		})
	}
}

// The type of a problem leads to a page that says what it means, and the types are those of the tables.
func TestTypesOfProblemsLeadToTheirPages(t *testing.T) {
	d := open(t)
	for kind, by := range map[string][]string{
		"order-exists":       {"POST /order"},
		"out-of-stock":       {"POST /order", "PUT /order/{id}", "POST /inventory/{category}/{code}/adjustments", "PUT /inventory/{category}/{code}"},
		"illegal-transition": {"PUT /order/{id}", "DELETE /order/{id}"},
		"update-in-progress": {"PUT /order/{id}"},
	} {
		page := d.expect(d.do("GET", "/problems/"+kind), 200)
		if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", kind, page.Header)
		}
		for _, request := range by {
			if !strings.Contains(page.Body, "<code>"+request+"</code>") {
				t.Errorf("%s: no word of %s", kind, request)
			}
		}
	}
	for _, kind := range []string{"user-exists", "none", "out-of-stock/x", ""} {
		d.expectProblem(d.do("GET", "/problems/"+kind), 404, "not_found")
	}
}

// Problems that are not in the body are named by header and parameter.
func TestProblemsOutsideTheBodySayWhereTheyAre(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	for _, c := range []struct {
		method, path string
		options      []option
		status       int
		want         fieldError
	}{
		{"POST", "/order", []option{body(orderBody("x")), header("Idempotency-Key", "a b")}, 422, fieldError{Code: "wrong_form", Header: "Idempotency-Key"}},
		{"POST", "/order", []option{body(orderBody("x")), header("Idempotency-Key", strings.Repeat("k", 256))}, 422, fieldError{Code: "wrong_form", Header: "Idempotency-Key"}},
		{"POST", "/order", []option{body(orderBody("x")), header("Idempotency-Key", "a"), header("Idempotency-Key", "b")}, 400, fieldError{Code: "repeated", Header: "Idempotency-Key"}},
		{"GET", "/order?limit=0", nil, 400, fieldError{Code: "out_of_range", Parameter: "limit"}},
		{"GET", "/order?limit=x", nil, 400, fieldError{Code: "wrong_type", Parameter: "limit"}},
		{"GET", "/order?limit=1&limit=2", nil, 400, fieldError{Code: "repeated", Parameter: "limit"}},
		{"GET", "/order?after=x", nil, 400, fieldError{Code: "wrong_form", Parameter: "after"}},
		{"GET", "/inventory?colour=red", nil, 400, fieldError{Code: "unknown", Parameter: "colour"}},
	} {
		code := map[int]string{400: "malformed", 422: "invalid_argument"}[c.status]
		p := d.expectProblem(d.do(c.method, c.path, append(c.options, bearer(alice))...), c.status, code)
		if len(p.Errors) != 1 {
			t.Errorf("%s %s: %+v", c.method, c.path, p)
			continue
		}
		if got := p.Errors[0]; got.Code != c.want.Code || got.Header != c.want.Header || got.Parameter != c.want.Parameter || got.Pointer != "" || got.Detail == "" {
			t.Errorf("%s %s: %+v", c.method, c.path, got)
		}
	}
	d.expect(d.do("POST", "/order", bearer(alice), body(orderBody("one")), header("Idempotency-Key", "k")), 201)
	if p := d.expectProblem(d.do("POST", "/order", bearer(alice), body(orderBody("two")), header("Idempotency-Key", "k")), 422, "invalid_argument"); len(p.Errors) != 1 || p.Errors[0].Code != "reused" || p.Errors[0].Header != "Idempotency-Key" {
		t.Errorf("%+v", p)
	}
}
