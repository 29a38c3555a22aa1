package binding

import (
	"errors"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"oms/platform/fault"
	"oms/platform/limits"
	"oms/platform/strictjson"
)

// MaxBody is the largest request body in bytes: some fifty times the largest order.
const MaxBody = 1 << 20

// Decode reads the request, whose path values are the members of its path. What it keeps of the body, and what reading it
// takes, is paid from the request's share of the budget ([limits.ShareFrom]). Errors are *fault.Error.
func (b *Binding) Decode(w http.ResponseWriter, r *http.Request) (any, error) {
	request := b.Operation.NewRequest()
	whole := reflect.ValueOf(request).Elem()
	for _, i := range b.path {
		whole.Field(i).SetString(r.PathValue(whole.Type().Field(i).Tag.Get("path")))
	}
	if err := b.decodeQuery(r.URL.RawQuery, whole); err != nil {
		return nil, err
	}
	if err := b.decodeHeaders(r.Header, whole); err != nil {
		return nil, err
	}
	if b.prefers >= 0 {
		whole.Field(b.prefers).SetBool(prefersRepresentation(r.Header.Values("Prefer")))
	}
	if len(b.body.members) == 0 {
		return request, nil
	}
	text, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	share, cost := limits.ShareFrom(r.Context()), strictjson.Cost(text)
	if err := share.Take(cost); err != nil {
		return nil, err
	}
	defer share.Give(cost)
	body := reflect.New(b.body.typ)
	problems, err := strictjson.Decode(text, body.Interface())
	if syntax, bad := errors.AsType[*strictjson.SyntaxError](err); bad {
		return nil, fault.New(fault.Malformed, "The body is not the JSON that is expected here: %v.", syntax)
	}
	if err != nil {
		return nil, err
	}
	b.body.into(whole, body.Elem())
	if len(problems) > 0 {
		return nil, fault.Invalid(b.withRules(problems, request)...)
	}
	return request, nil
}

// withRules adds what breaks a rule of the request's type, so that one answer names everything: the problems of form
// that are here already, and those of content, except for what form has left unreadable.
func (b *Binding) withRules(problems []fault.Field, request any) []fault.Field {
	form := problems
	for _, rule := range b.rules.Problems(request) {
		if !slices.ContainsFunc(form, func(p fault.Field) bool { return rule.InBody() && overlap(p.Pointer, rule.Pointer) }) {
			problems = append(problems, rule)
		}
	}
	return problems
}

// overlap reports whether one pointer leads to what the other leads to, or to a part of it.
func overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/")
}

// decodeHeaders binds the headers. A repeated one is refused: which of the two would count?
func (b *Binding) decodeHeaders(header http.Header, whole reflect.Value) error {
	for _, i := range b.header {
		name := whole.Type().Field(i).Tag.Get("header")
		given := header.Values(name)
		switch {
		case len(given) > 1:
			return fault.New(fault.Malformed, "The header %s is given %d times; give it once.", name, len(given)).
				With(fault.Field{Code: fault.Repeated, Header: name, Detail: "is given more than once"})
		case len(given) == 1 && given[0] == "":
			return fault.New(fault.Malformed, "The header %s is empty; leave it out, or give it a value.", name).
				With(fault.Field{Code: fault.WrongForm, Header: name, Detail: "is empty"})
		case len(given) == 1:
			whole.Field(i).SetString(given[0])
		}
	}
	return nil
}

// prefersRepresentation reads the preferences of a client (RFC 7240 section 2): the first that says what to return counts, and
// what is not known is ignored, as all that is not well-formed: a preference never fails a request.
func prefersRepresentation(values []string) bool {
	for preference := range strings.SplitSeq(strings.Join(values, ","), ",") {
		preference, _, _ = strings.Cut(preference, ";")
		name, value, _ := strings.Cut(preference, "=")
		if strings.EqualFold(strings.TrimSpace(name), "return") {
			value = strings.TrimSpace(value)
			return value == "representation" || value == `"representation"`
		}
	}
	return false
}

// RequestHeaders are the headers that the operation looks at.
func (b *Binding) RequestHeaders() (names []string) {
	request := reflect.TypeOf(b.Operation.NewRequest()).Elem()
	for _, i := range b.header {
		names = append(names, request.Field(i).Tag.Get("header"))
	}
	if b.prefers >= 0 {
		names = append(names, "Prefer")
	}
	return names
}

// decodeQuery binds the parameters. Unknown and repeated ones are refused: what looks like a filter must be one.
func (b *Binding) decodeQuery(raw string, whole reflect.Value) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return fault.New(fault.Malformed, "The parameters of the URL are not well-formed.").Because(err)
	}
	for _, i := range b.query {
		name := whole.Type().Field(i).Tag.Get("query")
		given, found := values[name]
		delete(values, name)
		if !found {
			continue
		}
		if len(given) > 1 {
			return fault.New(fault.Malformed, "The parameter %s is given %d times; give it once.", name, len(given)).
				With(fault.Field{Code: fault.Repeated, Parameter: name, Detail: "is given more than once"})
		}
		if !setText(whole.Field(i), given[0]) {
			return fault.New(fault.Malformed, "The parameter %s must be a whole number.", name).
				With(fault.Field{Code: fault.WrongType, Parameter: name, Detail: "must be a whole number"})
		}
	}
	if len(values) > 0 {
		name := slices.Min(slices.Collect(maps.Keys(values)))
		return fault.New(fault.Malformed, "There is no parameter %s here.", strictjson.Quote(name)).
			With(fault.Field{Code: fault.NotKnown, Parameter: recognisable(name), Detail: "is not known here"})
	}
	return nil
}

// recognisable is the name of a parameter as an answer repeats it.
func recognisable(name string) string {
	const longest = 64
	if name == "" {
		return `""`
	}
	return strings.ToValidUTF8(name[:min(len(name), longest)], "")
}

// setText sets a text, or an optional whole number.
func setText(field reflect.Value, text string) bool {
	if field.Kind() == reflect.String {
		field.SetString(text)
		return true
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false
	}
	field.Set(reflect.ValueOf(&number))
	return true
}

// isUTF8 knows the names by which UTF-8 is called (WHATWG Encoding, 4.2).
func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}

// readBody reads a JSON body within its bounds.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, declared := parameters["charset"]
	if err != nil || kind != "application/json" || declared && !isUTF8(charset) {
		return nil, fault.New(fault.UnsupportedMedia, "Send the body as JSON, with the header Content-Type: application/json.")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, fault.New(fault.UnsupportedMedia, "Send the body as it is, without Content-Encoding.")
	}
	if r.ContentLength > MaxBody { // not worth reading
		return nil, tooLarge()
	}
	text, err := limits.ShareFrom(r.Context()).ReadAll(http.MaxBytesReader(w, r.Body, MaxBody), r.ContentLength)
	_, exceeded := errors.AsType[*http.MaxBytesError](err)
	_, refused := errors.AsType[*fault.Error](err)
	switch {
	case refused:
		return nil, err
	case exceeded:
		return nil, tooLarge()
	case err != nil:
		return nil, fault.New(fault.Malformed, "The body did not arrive whole.").Because(err)
	case len(text) == 0:
		return nil, fault.New(fault.Malformed, "The body is empty; %s expects a JSON object.", r.Method)
	}
	return text, nil
}

func tooLarge() error { return fault.New(fault.TooLarge, "The body is larger than %d bytes.", MaxBody) }
