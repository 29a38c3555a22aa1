package binding

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// Respond writes the operation's response. A GET whose ETag the client has already is answered 304 (RFC 9110 section 13).
func (b *Binding) Respond(w http.ResponseWriter, r *http.Request, response any) error {
	whole := reflect.ValueOf(response).Elem()
	for _, i := range b.headers {
		if value := whole.Field(i).String(); value != "" {
			w.Header().Set(whole.Type().Field(i).Tag.Get("header"), value)
		}
	}
	if location := b.location(whole); location != "" {
		w.Header().Set("Location", location)
	}
	if b.Row.Edge.Method == http.MethodGet && sameTag(strings.Join(r.Header.Values("If-None-Match"), ","), w.Header().Get("ETag")) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // the answer is JSON, and declared as nothing else
	if err := encoder.Encode(b.answer.from(whole).Interface()); err != nil {
		return err
	}
	body.Truncate(body.Len() - 1) // the encoder's newline
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(cmp.Or(b.Row.Edge.Success, http.StatusOK))
	_, err := w.Write(body.Bytes())
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
