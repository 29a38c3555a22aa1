package binding

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"oms/platform/fault"
	"oms/platform/rpc"
)

func boundForFuzzing(f *testing.F) *Binding {
	f.Helper()
	b, err := New(operation[every, answer](rpc.Edge{Method: http.MethodPut, Path: "/x/{id}/{code}", Success: 201, Location: "/x/{id}/{hidden}"}))
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// asTold fails where an error is not one that a client can be told.
func asTold(t *testing.T, err error) {
	t.Helper()
	failure := fault.From(err)
	if failure.Code == fault.Internal || !failure.Code.Known() || failure.Detail == "" || len(failure.Detail) > 1000 || len(failure.Fields) > 200 {
		t.Fatalf("told %+v", failure)
	}
}

// FuzzBody: what is bound is what encoding/json reads, exact names only, and everything else is refused with its places.
func FuzzBody(f *testing.F) {
	b := boundForFuzzing(f)
	for _, seed := range []string{
		`{"name":"n","qty":-7,"items":[{"qty":1}],"note":"n"}`, `{}`, `{"name":"a","name":"a"}`, `{"id":"other"}`, `{"NAME":"n"}`, `{"qty":1e3}`, `{"qty":9223372036854775808}`,
		`{"items":[null]}`, `[]`, `null`, `{}{}`, "\xef\xbb\xbf{}", `{"name":"\ud800"}`, strings.Repeat(`[`, 70), `{"items":[` + strings.Repeat(`{"x":1},`, 300) + `{}]}`,
	} {
		f.Add([]byte(seed), "application/json", "")
	}
	f.Add([]byte(`{}`), "text/plain", "gzip")
	f.Add([]byte(`{}`), `application/json; charset="utf-8"`, "identity")
	f.Fuzz(func(t *testing.T, body []byte, media, encoding string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/x/a/b", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", media)
		r.Header.Set("Content-Encoding", encoding)
		r.SetPathValue("id", "a")
		r.SetPathValue("code", "b")
		request, err := b.Decode(httptest.NewRecorder(), r)
		if err != nil {
			asTold(t, err)
			return
		}
		if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(media)), "application/json") || encoding != "" && !strings.EqualFold(encoding, "identity") {
			t.Fatalf("accepted %q with the encoding %q", media, encoding)
		}
		var want every
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		want.ID, want.Code = "a", "b"
		if got := *request.(*every); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is bound as %+v, want %+v", body, got, want)
		}
	})
}

// FuzzQuery: what is bound is what net/url reads, where each known parameter is there once and no other is.
func FuzzQuery(f *testing.F) {
	b := boundForFuzzing(f)
	for _, seed := range []string{"limit=5&after=z", "limit=1&limit=1", "limit", "limit=%z", "limit=1;after=2", "%6cimit=7", "after=a+b%26", "limit=0x1", "x=" + strings.Repeat("&x=", 1000), "after=%00%ff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var got every
		if err := b.decodeQuery(raw, reflect.ValueOf(&got).Elem()); err != nil {
			asTold(t, err)
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("accepted what net/url refuses: %v", err)
		}
		want := every{After: values.Get("after")}
		if values.Has("limit") {
			limit, err := strconv.ParseInt(values.Get("limit"), 10, 64)
			if err != nil {
				t.Fatalf("accepted the limit %q", values.Get("limit"))
			}
			want.Limit = &limit
		}
		for name, given := range values {
			if len(given) != 1 || !slices.Contains([]string{"limit", "after"}, name) {
				t.Fatalf("accepted %q", raw)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is bound as %+v", raw, got)
		}
	})
}

// FuzzPath: a member of the path is what stands there, decoded once, and comes back from the location that is made of it.
func FuzzPath(f *testing.F) {
	b := boundForFuzzing(f)
	for _, seed := range []string{"a", "..", "a/b", "%2e%2e", "a%2fb", ";", "\x00", "é", " ", "\r\nLocation: x", strings.Repeat("a", 1<<16)} {
		f.Add(seed, "k")
	}
	f.Fuzz(func(t *testing.T, id, key string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/x", strings.NewReader(`{}`))
		r.Header["Content-Type"], r.Header["Idempotency-Key"] = []string{"application/json"}, []string{key}
		r.SetPathValue("id", id)
		r.SetPathValue("code", "b")
		request, err := b.Decode(httptest.NewRecorder(), r)
		if err != nil {
			if asTold(t, err); key != "" {
				t.Fatalf("refused: %v", err)
			}
			return
		}
		if got := *request.(*every); got.ID != id || got.Key != key || got.Code != "b" {
			t.Fatalf("bound %+v", got)
		}
		w := httptest.NewRecorder()
		encoded, err := b.Encode(&answer{ID: id, Hidden: "h"})
		if err != nil {
			t.Fatal(err)
		}
		if err := encoded.Send(w, r); err != nil {
			t.Fatal(err)
		}
		location, err := url.Parse(w.Header().Get("Location"))
		if err != nil || location.Host != "" || location.Scheme != "" || location.RawQuery != "" || location.Path != "/x/"+id+"/h" {
			t.Fatalf("the location of %q is %q", id, w.Header().Get("Location"))
		}
	})
}

// FuzzIfNoneMatch: a tag that the client has is found in any list, and one that it does not have in none.
func FuzzIfNoneMatch(f *testing.F) {
	for _, seed := range []string{`"t"`, `W/"t"`, `*`, `"a", "t"`, `"a,b"`, `t`, ``, `,,,`, `"T"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		const tag = `"t"`
		if sameTag(header, tag) && !strings.Contains(header, tag) && !strings.Contains(header, "*") {
			t.Fatalf("%q has the tag", header)
		}
		if !sameTag(header+","+tag, tag) || sameTag(header, "") {
			t.Fatalf("%q with the tag has it not", header)
		}
	})
}
