package ui

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"oms/platform/fault"
	"oms/web"
)

// withCookie is a request as a browser sends it that keeps this value.
func withCookie(t *testing.T, name, value string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ui/basket", nil)
	r.Header.Set("Cookie", name+"="+value)
	return r
}

// kept is the value of a cookie that an answer sets.
func kept(t *testing.T, w *httptest.ResponseRecorder, name string) string {
	t.Helper()
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	t.Fatalf("no cookie %s", name)
	return ""
}

// FuzzBasketCookie: whatever the cookie holds, the basket is the user's own, every line of it can be ordered, and what is
// written again is read the same.
func FuzzBasketCookie(f *testing.F) {
	const key = "abcdefghijklmnopqrstuvwxyz"
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, seed := range []string{
		`{"s":"alice","k":"` + key + `","n":"name","l":[{"c":"books","p":"a","q":2}]}`, `{"s":"bob","k":"` + key + `","l":[]}`, `{"s":"alice","k":"` + key + `","l":[{"c":"","p":"","q":-1}]}`,
		`{"s":"alice","k":"` + key + `","l":[{"c":"b","p":"a","q":1},{"c":"b","p":"a","q":1}]}`, `{"s":"alice","k":"x"}`, `{"s":"alice","k":"` + key + `","l":[{"c":"b","p":"a","q":1e18}]}`, `[]`, `null`,
	} {
		f.Add(encode(seed))
	}
	f.Add("%%%")
	f.Add(strings.Repeat("A", 1<<16))
	f.Fuzz(func(t *testing.T, value string) {
		read := readBasket(withCookie(t, basketCookie, value), "alice")
		if read.Subject != "alice" || !read.sound() {
			t.Fatalf("%q is read as %+v", value, read)
		}
		w := httptest.NewRecorder()
		if err := read.write(w); err != nil {
			if fault.CodeOf(err) != fault.TooLarge {
				t.Fatal(err)
			}
			return
		}
		written := kept(t, w, basketCookie)
		again := readBasket(withCookie(t, basketCookie, written), "alice")
		if again.Key != read.Key || !reflect.DeepEqual(again.Lines, read.Lines) || len(written) > maxCookie {
			t.Fatalf("%+v is read again as %+v", read, again)
		}
	})
}

// FuzzNoticeCookie: a sentence is short whatever the cookie holds, is taken away at once, and one of ours comes back as it was.
func FuzzNoticeCookie(f *testing.F) {
	for _, seed := range []string{"done.U2F2ZWQu", "wrong.Tm8u", "done.", "done", ".", "wrong.%%", "done." + strings.Repeat("QUFB", 1000), `done."`} {
		f.Add(seed, "Your order is placed.")
	}
	f.Fuzz(func(t *testing.T, value, text string) {
		w := httptest.NewRecorder()
		if got := takeNotice(w, withCookie(t, noticeCookie, value)); len(got.Text) > 1000 {
			t.Fatalf("a sentence of %d bytes", len(got.Text))
		}
		for _, cookie := range w.Result().Cookies() {
			if cookie.MaxAge >= 0 || cookie.Value != "" {
				t.Fatalf("it stays: %+v", cookie)
			}
		}
		if len(text) > 1000 {
			return
		}
		for _, notice := range []web.Notice{{Text: text}, {Text: text, Wrong: true}} {
			w := httptest.NewRecorder()
			setNotice(w, notice)
			if got := takeNotice(httptest.NewRecorder(), withCookie(t, noticeCookie, kept(t, w, noticeCookie))); got != notice {
				t.Fatalf("%+v is read as %+v", notice, got)
			}
		}
	})
}

// FuzzForm: a form that is accepted has each field once, as net/url reads it, and no more lines than an order can have.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"name=n&idempotency_key=k&category.0=b&code.0=a&qty.0=1&available.0=5", "name=a&name=b", "code.0=a", "x=1", "category.0=b&code.0=a&qty.0=1&category.2=b&code.2=a&qty.2=1",
		"category.0=b&code.0=a&qty.0=1&available.0=x", "%zz", "a;b", "category.00=b&code.00=a", strings.Repeat("x=&", 10001),
	} {
		f.Add(seed, "")
	}
	f.Add("name=a", "name=b")
	f.Fuzz(func(t *testing.T, body, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ui/orders", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.URL.RawQuery = query
		sent, err := (&request{r: r}).decode("name", "idempotency_key", "action")
		if err != nil {
			if code := fault.CodeOf(err); code != fault.Malformed {
				t.Fatal(err)
			}
			return
		}
		want, err := url.ParseQuery(body)
		if err != nil || query != "" || len(sent.lines) > maxLines {
			t.Fatalf("accepted %q with the query %q: %v", body, query, err)
		}
		fields := len(sent.values)
		for name, value := range sent.values {
			if !reflect.DeepEqual(want[name], []string{value}) {
				t.Fatalf("%s is %q, want %q", name, value, want[name])
			}
		}
		for i, l := range sent.lines {
			if fields += 3; l.Available != nil {
				fields++
			}
			if want.Get(fieldName("category", i)) != l.Category || want.Get(fieldName("code", i)) != l.Code || want.Get(fieldName("qty", i)) != l.Qty {
				t.Fatalf("line %d is %+v", i, l)
			}
		}
		if fields != len(want) {
			t.Fatalf("%d fields of %q are read, there are %d", fields, body, len(want))
		}
		lines, _ := items(adjusted(without(sent.lines, sent.values["action"])))
		var b basket
		b.fill(lines)
	})
}

// FuzzShopPath: where a form leads back to is the shop, on this site, whatever it says.
func FuzzShopPath(f *testing.F) {
	for _, seed := range []string{"/ui/?q=a", "//evil.example/ui/", "https://evil.example/ui/", "/ui/../x", `\\evil`, "/ui/#x", "javascript:alert(1)", "/ui/?q=\r\nSet-Cookie:a", "/%75i/", "https:/ui/", `/ui/?\`} {
		f.Add(seed)
	}
	here, err := url.Parse("https://shop.example/ui/basket")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		to, err := here.Parse(shopPath(path))
		if err != nil || to.Host != here.Host || to.Scheme != here.Scheme || to.Path != "/ui/" || strings.ContainsAny(shopPath(path), "\r\n") {
			t.Fatalf("%q leads to %q", path, shopPath(path))
		}
	})
}
