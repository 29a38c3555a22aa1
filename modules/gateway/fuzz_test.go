package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"oms/platform/fault"
)

// FuzzBearerToken: a token is what stands behind the one word of the one header, and there is none beside one in the URL.
func FuzzBearerToken(f *testing.F) {
	for _, seed := range []string{"Bearer a.b.c", "bearer a", "BEARER  a", "Bearer", "Bearer ", "Basic YTpi", "a.b.c", "Bearer a, Bearer b", "\tBearer a", "Bearer\ta", ""} {
		f.Add(seed, "", "")
	}
	f.Add("Bearer a", "Bearer b", "")
	f.Add("Bearer a", "", "access_token=b")
	f.Add("", "", "access_token=b")
	f.Add("Bearer a", "", "ACCESS_TOKEN=b&x=%z")
	f.Add("", "BeArer 0", "")
	f.Fuzz(func(t *testing.T, first, second, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/order", nil)
		r.URL.RawQuery = query
		var sent []string
		for _, header := range []string{first, second} {
			if header != "" {
				sent = append(sent, header)
			}
		}
		if sent != nil {
			r.Header["Authorization"] = sent
		}
		got, err := bearerToken(r)
		switch code := fault.CodeOf(err); {
		case len(sent) == 0:
			if err != nil || got != "" {
				t.Fatalf("nothing sent: %q, %v", got.Reveal(), err)
			}
		case len(sent) > 1 || r.URL.Query().Has("access_token"):
			if code != fault.Malformed || got != "" {
				t.Fatalf("two credentials: %q, %v", got.Reveal(), err)
			}
		case err != nil:
			if code != fault.Unauthenticated || got != "" || len(sent[0]) > 10 && strings.Contains(err.Error(), sent[0]) {
				t.Fatalf("%q: %q, %v", sent[0], got.Reveal(), err)
			}
		case got == "" || !strings.EqualFold(sent[0][:7], "Bearer ") || strings.TrimLeft(sent[0][7:], " ") != got.Reveal():
			t.Fatalf("%q is the token %q", sent[0], got.Reveal())
		}
	})
}

// FuzzPathValues: a member of the path is decoded once, where the path has an escaped form as where it has none.
func FuzzPathValues(f *testing.F) {
	for _, seed := range []string{"a", "%2e%2e", "a%2fb", "a%5cb", "%00", "%zz", "%", "%c3%a9", "a;b", "a%3Fb", "%252e", "..", "a+b", strings.Repeat("%41", 5000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, segment string) {
		u, err := url.Parse("/door/" + segment)
		if err != nil || segment == "" || strings.ContainsAny(segment, "/?#") {
			t.Skip("not one segment of a path")
		}
		router := echo.New()
		seen, value := false, ""
		handle := func(_ http.ResponseWriter, r *http.Request) error {
			seen, value = true, r.PathValue("id")
			return nil
		}
		if err := mount(router, []route{{method: http.MethodGet, path: "/door/{id}", credential: none, errors: problem, handle: handle}}); err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.URL = u
		router.ServeHTTP(httptest.NewRecorder(), r)
		want, err := url.PathUnescape(segment)
		if err == nil && (!seen || value != want) {
			t.Fatalf("%q is %q, want %q (found %v)", segment, value, want, seen)
		}
	})
}
