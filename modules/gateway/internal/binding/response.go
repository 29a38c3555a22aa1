package binding

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"oms/platform/limits"
)

// Answer is an operation's response as it is sent.
type Answer struct {
	status int
	header http.Header
	body   []byte
}

// Encode makes the answer to a request of the operation's response.
func (b *Binding) Encode(response any) (*Answer, error) {
	whole := reflect.ValueOf(response).Elem()
	a := &Answer{cmp.Or(b.Row.Edge.Success, http.StatusOK), http.Header{}, nil}
	if b.created >= 0 && whole.Field(b.created).Bool() {
		a.status = http.StatusCreated
	}
	sent, as := whole, b.answer
	if b.instead >= 0 && !whole.Field(b.instead).IsNil() {
		sent, as = whole.Field(b.instead).Elem(), b.preferred
		a.header.Set("Preference-Applied", "return=representation") // RFC 7240 section 3
	}
	for _, i := range as.headers {
		if value := sent.Field(i).String(); value != "" {
			a.header.Set(sent.Type().Field(i).Tag.Get("header"), value)
		}
	}
	if location := b.location(whole); location != "" {
		a.header.Set("Location", location)
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // the answer is JSON, and declared as nothing else
	if err := encoder.Encode(as.body.from(sent).Interface()); err != nil {
		return nil, err
	}
	a.body = body.Bytes()[:body.Len()-1] // without the encoder's newline
	return a, nil
}

// Send sends it. A GET whose ETag the client has already is answered 304 (RFC 9110 section 13). A body that is not small
// is paid from the request's share of the budget, which holds it until it has been read.
func (a *Answer) Send(w http.ResponseWriter, r *http.Request) error {
	if cap(a.body) > limits.Small {
		if err := limits.ShareFrom(r.Context()).Take(int64(cap(a.body))); err != nil {
			return err
		}
	}
	maps.Copy(w.Header(), a.header)
	if reads := r.Method == http.MethodGet || r.Method == http.MethodHead; reads && sameTag(strings.Join(r.Header.Values("If-None-Match"), ","), a.header.Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, err := w.Write(a.body)
	return err
}

// location fills the template of the Location header from the response's members, or is "".
func (b *Binding) location(whole reflect.Value) string {
	location := b.Row.Edge.Location
	for i := range whole.NumField() {
		name, _, _ := strings.Cut(whole.Type().Field(i).Tag.Get("json"), ",")
		if member := "{" + name + "}"; strings.Contains(location, member) {
			location = strings.ReplaceAll(location, member, url.PathEscape(whole.Field(i).String()))
		}
	}
	return location
}

// sameTag reports whether an If-None-Match header names the tag; comparison is weak (RFC 9110 section 13.1.2).
func sameTag(header, tag string) bool {
	if header == "" || tag == "" {
		return false
	}
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == tag || candidate == "*" {
			return true
		}
	}
	return false
}
