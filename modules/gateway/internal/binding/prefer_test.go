package binding

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"oms/platform/rpc"
)

// showing is an operation that can show what it has changed.
func showing(t *testing.T) *Binding {
	t.Helper()
	b, err := New(operation[shows, shown](rpc.Edge{Method: http.MethodPost, Path: "/x", Location: "/x/{id}"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.RequestHeaders(); !reflect.DeepEqual(got, []string{"Prefer"}) {
		t.Errorf("it looks at %q", got)
	}
	return b
}

func TestPreferencesAreReadAsTheyAreWritten(t *testing.T) {
	b := showing(t)
	for _, c := range []struct {
		headers []string
		want    bool
	}{
		{nil, false},
		{[]string{"return=representation"}, true},
		{[]string{`return="representation"`}, true},
		{[]string{" Return = representation ; a=b"}, true},
		{[]string{"respond-async, wait=10, return=representation"}, true},
		{[]string{"respond-async", "return=representation"}, true},
		{[]string{"return=minimal"}, false},
		{[]string{"return=minimal", "return=representation"}, false}, // the first one counts
		{[]string{"return"}, false},
		{[]string{"returns=representation"}, false},
		{[]string{"representation"}, false},
		{[]string{"return=REPRESENTATION"}, false},
		{[]string{"", ",,;=,"}, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/x", nil)
		r.Header["Prefer"] = c.headers
		request, err := b.Decode(httptest.NewRecorder(), r)
		if err != nil || request.(*shows).Show != c.want {
			t.Errorf("%q: %+v, %v", c.headers, request, err)
		}
	}
}

func TestTheRepresentationIsSentInsteadOfTheAnswer(t *testing.T) {
	b := showing(t)
	for name, c := range map[string]struct {
		response           shown
		body, tag, applied string
	}{
		"where it is there": {shown{"1", &answer{ID: "1", Hidden: "h", Tag: `"t"`, Count: 2}, "done"}, `{"id":"1","count":2}`, `"t"`, "return=representation"},
		"else not":          {shown{"1", nil, "done"}, `{"done":"done"}`, "", ""},
	} {
		encoded, err := b.Encode(&c.response)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if err := encoded.Send(w, httptest.NewRequest(http.MethodPost, "/x", nil)); err != nil {
			t.Fatal(err)
		}
		header := w.Header()
		if w.Body.String() != c.body || header.Get("ETag") != c.tag || header.Get("Preference-Applied") != c.applied || header.Get("Location") != "/x/1" {
			t.Errorf("%s: %s %v", name, w.Body, header)
		}
	}
}
