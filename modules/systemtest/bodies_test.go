package systemtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A body that is not one JSON value with one meaning (RFC 8259; CWE-436: two readers that understand it differently).
func TestBodiesThatAreNotJSONAreMalformed(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	d.placeOrder("good", alice)
	before := d.available(headphones)
	good := orderBody("bad")
	for name, text := range map[string]string{
		"empty":                   "",
		"not JSON":                "hello",
		"cut off":                 good[:40],
		"trailing bytes":          good + "x",
		"two values":              good + good,
		"duplicate member":        strings.Replace(good, `"name"`, `"id":"bad","name"`, 1),
		"duplicate escaped":       strings.Replace(good, `"name"`, `"\u0069d":"bad","name"`, 1),
		"duplicate nested":        strings.Replace(good, `"qty":1`, `"qty":1,"qty":2`, 1),
		"NaN":                     strings.Replace(good, `"qty":1`, `"qty":NaN`, 1),
		"Infinity":                strings.Replace(good, `"qty":1`, `"qty":-Infinity`, 1),
		"hexadecimal":             strings.Replace(good, `"qty":1`, `"qty":0x1`, 1),
		"leading zero":            strings.Replace(good, `"qty":1`, `"qty":01`, 1),
		"plus":                    strings.Replace(good, `"qty":1`, `"qty":+1`, 1),
		"comment":                 good + "/**/",
		"trailing comma":          strings.Replace(good, `"qty":1`, `"qty":1,`, 1),
		"single quotes":           strings.ReplaceAll(good, `"`, `'`),
		"byte order mark":         "\ufeff" + good,
		"invalid UTF-8":           strings.Replace(good, "Alice", "Al\xffice", 1),
		"lone surrogate":          strings.Replace(good, "Alice", `\ud800`, 1),
		"NUL":                     strings.Replace(good, "Alice", "\x00", 1),
		"number of 10,000 digits": strings.Replace(good, `"qty":1`, `"qty":1`+strings.Repeat("0", 10_000), 1),
		"100,000 levels":          strings.Repeat("[", 100_000),
		"100,000 closed levels":   `{"items":` + strings.Repeat(`[`, 100_000) + strings.Repeat(`]`, 100_000) + `}`,
	} {
		for _, client := range []*http.Client{d.http2, d.http1} {
			got := d.doWith(client, "POST", "/order", bearer(alice), body(text))
			if got.Status != 400 {
				t.Errorf("%s: %d %s", name, got.Status, got.Body)
				continue
			}
			d.expectProblem(got, 400, "malformed")
		}
	}
	if left := d.available(headphones); left != before {
		t.Errorf("%d available after, %d before", left, before)
	}
}

func TestEveryProblemOfABodyIsNamedAtOnce(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	for text, want := range map[string][]string{
		`{}`:   {"/items", "/name"},
		`null`: {""},
		`[]`:   {""},
		`"x"`:  {""},
		`{"id":"a b","name":" ","items":[{"category":"","code":"","qty":0},{"category":"c","code":"d","qty":1000001}]}`: {
			"/id", "/items/0/category", "/items/0/code", "/items/0/qty", "/items/1/qty", "/name"},
		`{"id":7,"name":null,"nmae":"x","items":[{"qty":"1","Category":1},{"qty":1.5},{"qty":1e3}, 5]}`: {
			"/id", "/items/0/Category", "/items/0/category", "/items/0/code", "/items/0/qty", "/items/1/category", "/items/1/code", "/items/1/qty",
			"/items/2/category", "/items/2/code", "/items/2/qty", "/items/3", "/name", "/nmae"},
		`{"name":"","owner":"bob","items":[{"category":"c","code":"d","qty":0}]}`:                                                                {"/items/0/qty", "/name", "/owner"}, // of form and of content
		`{"id":".","name":"x","items":[]}`:                                                                                                       {"/id", "/items"},
		`{"id":"..","name":"x","items":[]}`:                                                                                                      {"/id", "/items"},
		`{"id":"x","name":"` + strings.Repeat("é", 201) + `","items":[{"category":"c","code":"d","qty":-1}]}`:                                    {"/items/0/qty", "/name"},
		`{"id":"x","name":"x","items":[` + strings.Repeat(`{"category":"c","code":"d","qty":1},`, 100) + `{"category":"c","code":"d","qty":1}]}`: {"/items"},
		`{"id":"x","name":"x","owner":"bob","items":[{"category":"c","code":"d","qty":9223372036854775808}]}`:                                    {"/items/0/qty", "/owner"},
	} {
		p := d.expectProblem(d.do("POST", "/order", bearer(alice), body(text)), 422, "invalid_argument")
		var pointers []string
		for _, f := range p.Errors {
			pointers = append(pointers, f.Pointer)
			if f.Detail == "" || f.Code == "" {
				t.Errorf("%s: %s without a detail or a code", text, f.Pointer)
			}
		}
		slices.Sort(pointers)
		if !slices.Equal(pointers, want) {
			t.Errorf("%.80s: problems at %q, want %q", text, pointers, want)
		}
	}
}

func TestBodiesAboveTheLimitAreTooLarge(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	padded := orderBody("large") + strings.Repeat(" ", 1<<20-len(orderBody("large")))
	d.expect(d.do("POST", "/order", bearer(alice), body(padded)), 201)
	d.expect(d.do("POST", "/order", bearer(alice), chunked(padded)), 201)
	for _, client := range []*http.Client{d.http2, d.http1} {
		for _, send := range []func(string) option{body, chunked} {
			d.expectProblem(d.doWith(client, "POST", "/order", bearer(alice), send(padded+" ")), 413, "too_large")
		}
	}
}

func TestBodiesAreJSONAsTheyAre(t *testing.T) {
	d := open(t)
	alice := d.token("alice")
	for _, good := range []string{"application/json", "application/json; charset=utf-8", `Application/JSON;charset="UTF-8"`, "application/json;charset=utf8", `application/json; charset="UTF8"`} {
		d.expect(d.do("POST", "/order", bearer(alice), header("Content-Type", good), body(orderBody("typed"))), 201)
	}
	for _, bad := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=utf-7",
		"application/json; charset=utf-16", "application/problem+json", "application/json, text/plain", "application/json; charset=utf-8; charset=utf-7", "x", ";"} {
		got := d.do("POST", "/order", bearer(alice), header("Content-Type", bad), body(orderBody("typed-2")))
		d.expectProblem(got, 415, "unsupported_media")
	}
	d.expectProblem(d.do("POST", "/order", bearer(alice), body(orderBody("typed-2")), func(r *http.Request) { r.Header.Del("Content-Type") }), 415, "unsupported_media")
	d.expect(d.do("POST", "/order", bearer(alice), header("Content-Encoding", "identity"), body(orderBody("typed"))), 201)
	for _, bad := range []string{"gzip", "br", "deflate", "gzip, identity", "zstd"} { // a decompression bomb is never unpacked (CWE-409)
		got := d.do("POST", "/order", bearer(alice), header("Content-Encoding", bad), body(orderBody("typed-2")))
		d.expectProblem(got, 415, "unsupported_media")
	}
	d.expectProblem(d.do("GET", "/order/typed-2"), 404, "not_found")
}

// Credentials are judged before the body is read, and rights before anything is looked up: who may not call learns
// nothing from the answer, and cannot make the server work.
func TestCredentialsComeBeforeTheBodyAndTheScopeBeforeExistence(t *testing.T) {
	d := open(t)
	d.expectProblem(d.do("POST", "/order", bearer(d.token("alice")), body("{")), 400, "malformed")
	noScope := d.token("admin", "view_orders")
	for name, text := range map[string]string{"malformed": "{", "invalid": "{}", "too large": strings.Repeat("x", 3<<20)} {
		for _, client := range []*http.Client{d.http2, d.http1} {
			t.Run(name, func(t *testing.T) {
				d.expectRefusal(d.doWith(client, "POST", "/order", body(text)), 401, "Bearer")
				d.expectRefusal(d.doWith(client, "POST", "/order", bearer("x"), body(text)), 401, invalidToken)
				d.expectRefusal(d.doWith(client, "POST", "/order", bearer(noScope), body(text)), 403, `Bearer error="insufficient_scope", scope="add_order"`)
			})
		}
	}
	d.placeOrder("known", d.token("alice"))
	for _, path := range []string{"/order/known", "/order/unknown"} {
		d.expectRefusal(d.do("DELETE", path, bearer(noScope)), 403, `Bearer error="insufficient_scope", scope="cancel_order"`)
		d.expectRefusal(d.do("PUT", path, bearer(noScope), body("{}")), 403, `Bearer error="insufficient_scope", scope="update_order"`)
	}
	d.expectProblem(d.do("DELETE", "/order/unknown", bearer(d.token("admin"))), 404, "not_found")
}
