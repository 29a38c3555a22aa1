package binding

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"oms/platform/fault"
	"oms/platform/limits"
	"oms/platform/rpc"
)

// bound is every kind of member, at PUT /x/{id}/{code}.
func bound(t *testing.T) *Binding {
	t.Helper()
	b, err := New(operation[every, answer](rpc.Edge{Method: http.MethodPut, Path: "/x/{id}/{code}", Success: 201, Location: "/x/{id}/{hidden}"}))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *Binding) decode(path, query, text string, keys ...string) (every, error) {
	r := httptest.NewRequest(http.MethodPut, "/x", strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	for _, key := range keys {
		r.Header.Add("idempotency-key", key)
	}
	r.URL, _ = url.ParseRequestURI(path + query)
	request, err := b.Decode(httptest.NewRecorder(), withPath(r))
	if err != nil {
		return every{}, err
	}
	return *request.(*every), nil
}

// withPath gives the request the members of its path, decoded as the gateway decodes them.
func withPath(r *http.Request) *http.Request {
	parts := strings.Split(r.URL.EscapedPath(), "/")
	for i, name := range []string{"id", "code"} {
		value, err := url.PathUnescape(parts[2+i])
		if err != nil {
			panic(err) // it was parsed
		}
		r.SetPathValue(name, value)
	}
	return r
}

func TestEveryMemberComesFromItsPlace(t *testing.T) {
	b := bound(t)
	limit, note := int64(5), "n"
	for name, c := range map[string]struct {
		path, query, body string
		want              every
	}{
		"all":              {"/x/a/b", "?limit=5&after=z", `{"name":"n","qty":-7,"items":[{"qty":1}],"note":"n"}`, every{"a", "b", &limit, "z", "n", -7, []item{{1}}, &note, ""}},
		"none":             {"/x/a/b", "", `{}`, every{ID: "a", Code: "b"}},
		"empty":            {"/x/a/b", "?after=", `{"name":"","items":[],"note":null}`, every{ID: "a", Code: "b", Items: []item{}}},
		"escaped":          {"/x/a%20%2F/%C3%A9", "?after=a%20b%26", `{}`, every{ID: "a /", Code: "é", After: "a b&"}},
		"escaped once":     {"/x/a%2541/%25", "", `{}`, every{ID: "a%41", Code: "%"}},
		"escaped in part":  {"/x/%61%2541/b", "", `{}`, every{ID: "a%41", Code: "b"}},
		"plus in the path": {"/x/a+b/b", "?after=a+b", `{}`, every{ID: "a+b", Code: "b", After: "a b"}},
	} {
		got, err := b.decode(c.path, c.query, c.body)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}

func TestRequestsThatCannotBeBound(t *testing.T) {
	b := bound(t)
	for name, c := range map[string]struct {
		query, body string
		code        fault.Code
		pointers    string
	}{
		"unknown parameter":       {"?x=1", `{}`, fault.Malformed, "?x"},
		"a member of the path":    {"?id=1", `{}`, fault.Malformed, "?id"},
		"a member of the body":    {"?name=1", `{}`, fault.Malformed, "?name"},
		"parameter in other case": {"?Limit=1", `{}`, fault.Malformed, "?Limit"},
		"parameter twice":         {"?limit=1&limit=1", `{}`, fault.Malformed, "?limit"},
		"not a number":            {"?limit=1x", `{}`, fault.Malformed, "?limit"},
		"no number":               {"?limit", `{}`, fault.Malformed, "?limit"},
		"too large a number":      {"?limit=9223372036854775808", `{}`, fault.Malformed, "?limit"},
		"a parameter no name":     {"?=1", `{}`, fault.Malformed, `?""`},
		"a long parameter":        {"?" + strings.Repeat("é", 100) + "=1", `{}`, fault.Malformed, "?" + strings.Repeat("é", 32)},
		"bad escape":              {"?limit=%z", `{}`, fault.Malformed, ""},
		"semicolon":               {"?limit=1;after=2", `{}`, fault.Malformed, ""},
		"no body":                 {"", ``, fault.Malformed, ""},
		"two values":              {"", `{}{}`, fault.Malformed, ""},
		"member twice":            {"", `{"name":"a","name":"a"}`, fault.Malformed, ""},
		"path member in the body": {"", `{"id":"other"}`, fault.InvalidArgument, "/id"},
		"query member in body":    {"", `{"limit":1,"after":"x"}`, fault.InvalidArgument, "/limit /after"},
		"everything wrong":        {"", `{"Name":1,"qty":1.0,"items":[{"qty":null},{"x":1}],"note":5}`, fault.InvalidArgument, "/Name /qty /items/0/qty /items/1/x /note"},
		"too large":               {"", `{"name":"` + strings.Repeat("x", MaxBody) + `"}`, fault.TooLarge, ""},
	} {
		_, err := b.decode("/x/a/b", c.query, c.body)
		failure := fault.From(err)
		if failure == nil || failure.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
			continue
		}
		var pointers []string
		for _, field := range failure.Fields {
			if field.Code == "" || field.Detail == "" {
				t.Errorf("%s: %+v", name, field)
			}
			if pointers = append(pointers, field.Pointer); !field.InBody() {
				pointers[len(pointers)-1] = "?" + field.Parameter
			}
		}
		if got := strings.Join(pointers, " "); got != c.pointers {
			t.Errorf("%s: problems at %q, want %q", name, got, c.pointers)
		}
	}
}

func TestAHeaderIsGivenOnceOrNotAtAll(t *testing.T) {
	b := bound(t)
	for _, keys := range [][]string{nil, {"k"}} {
		if got, err := b.decode("/x/a/b", "", `{}`, keys...); err != nil || got.Key != strings.Join(keys, "") {
			t.Errorf("%q: %+v, %v", keys, got, err)
		}
	}
	for _, keys := range [][]string{{""}, {"k", "k"}, {"k", ""}} {
		_, err := b.decode("/x/a/b", "", `{}`, keys...)
		if failure := fault.From(err); failure == nil || failure.Code != fault.Malformed || len(failure.Fields) != 1 || failure.Fields[0].Header == "" {
			t.Errorf("%q: %v", keys, err)
		}
	}
	if _, err := b.decode("/x/a/b", "", `{"key":"k"}`); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a header's member in the body: %v", err)
	}
}

func TestAResponseIsABodyAndHeaders(t *testing.T) {
	b := bound(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPut, "/x/a/b", nil)
	r.Header.Set("If-None-Match", `"t"`) // means nothing to a PUT that has happened
	encoded, err := b.Encode(&answer{ID: "<a/b>", Hidden: "é", Tag: `"t"`})
	if err != nil {
		t.Fatal(err)
	}
	if err := encoded.Send(w, r); err != nil {
		t.Fatal(err)
	}
	if got := w.Body.String(); w.Code != 201 || got != `{"id":"<a/b>"}` {
		t.Errorf("%d %s", w.Code, got)
	}
	for name, want := range map[string]string{"ETag": `"t"`, "Location": "/x/%3Ca%2Fb%3E/%C3%A9", "Content-Type": "application/json", "Content-Length": "14"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A body is paid from the share of its request: before it is read, and what parsing it takes before it is parsed.
func TestBodiesArePaidFromTheBudget(t *testing.T) {
	const room = 64 << 10 // of one address
	decode := func(text string) (held int64, unread int, err error) {
		budget := limits.NewBudget(4*(room+limits.Base), 100)
		share, err := budget.Enter(limits.Ordinary, "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		body := strings.NewReader(text)
		r := httptest.NewRequestWithContext(limits.WithShare(t.Context(), share), http.MethodPut, "/x/a/b", body)
		r.Header.Set("Content-Type", "application/json")
		_, err = bound(t).Decode(httptest.NewRecorder(), withPath(r))
		held, _ = budget.Used()
		return held - limits.Base, body.Len(), err
	}
	if held, _, err := decode(`{}` + strings.Repeat(" ", 10_000)); err != nil || held != 10_003 {
		t.Errorf("%d bytes are held, %v", held, err)
	}
	if _, unread, err := decode(`{}` + strings.Repeat(" ", room)); fault.CodeOf(err) != fault.Unavailable || unread != room+2 {
		t.Errorf("a body without room: %d bytes are left unread, %v", unread, err)
	}
	if _, _, err := decode(`[` + strings.Repeat("0,", 1000) + `0]`); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a thousand values without room: %v", err)
	}
}

// An answer that nobody reads is paid for too.
func TestAnswersArePaidFromTheBudget(t *testing.T) {
	budget := limits.NewBudget(4*(limits.Base+limits.Small), 100)
	share, err := budget.Enter(limits.Ordinary, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	for size, refused := range map[int]bool{limits.Small / 2: false, 2 * limits.Small: true} {
		encoded, err := bound(t).Encode(&answer{ID: strings.Repeat("x", size)})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		err = encoded.Send(w, httptest.NewRequestWithContext(limits.WithShare(t.Context(), share), http.MethodPut, "/x/a/b", nil))
		if refused != (fault.CodeOf(err) == fault.Unavailable) || refused != (w.Body.Len() == 0) || refused && len(w.Header()) > 0 {
			t.Errorf("an answer of %d bytes: %v, %d bytes and %v sent", size, err, w.Body.Len(), w.Header())
		}
	}
}
