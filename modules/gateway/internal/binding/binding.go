// Package binding translates between HTTP at the edge and an operation's request and response, by their struct tags.
//
// It is strict in what it accepts: unknown members and parameters, duplicates and trailing bytes are refused, and all
// problems of a body are named at once. It decides nothing about who may call.
package binding

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"oms/platform/constraint"
	"oms/platform/rpc"
	"oms/platform/strictjson"
)

// Binding is how one operation is reached from outside. It is immutable and safe for concurrent use.
type Binding struct {
	Operation rpc.Operation
	Row       rpc.Row
	path      []int // the request's members from the path, the query, a header and, the others, from the body
	query     []int
	header    []int
	prefers   int // the request's flag that the client prefers the representation; -1 is none
	body      part
	answer    shape
	created   int               // the response's flag that something is new; -1 is none
	instead   int               // the response's member that is sent instead of all, where it is there; -1 is none
	preferred shape             // of that member
	rules     *constraint.Rules // of the request
}

// New makes the binding of an operation with an edge. It fails where the row and the tags of its types do not match: a
// member that could not be bound would be a request that nobody can make, or a panic while one is made.
func New(operation rpc.Operation) (*Binding, error) {
	b := &Binding{Operation: operation, Row: operation.Row(), prefers: -1, created: -1, instead: -1}
	if !b.Row.Edge.Bound() {
		return nil, fmt.Errorf("operation %s has no edge", b.Row.Name)
	}
	request, response := reflect.TypeOf(operation.NewRequest()).Elem(), reflect.TypeOf(operation.NewResponse()).Elem()
	var err error
	b.rules, err = constraint.Of(request)
	if err := errors.Join(err, b.bindRequest(request), b.bindResponse(response)); err != nil {
		return nil, fmt.Errorf("operation %s: %w", b.Row.Name, err)
	}
	return b, nil
}

func (b *Binding) bindRequest(request reflect.Type) error {
	var body []int
	unbound := b.Row.Edge.Path
	parameters := map[string]bool{}
	for i := range request.NumField() {
		field := request.Field(i)
		inPath, inQuery, inHeader := field.Tag.Get("path"), field.Tag.Get("query"), field.Tag.Get("header")
		switch {
		case field.Tag.Get("prefer") == "representation" && field.Type.Kind() == reflect.Bool:
			b.prefers = i
		case field.Tag.Get("prefer") != "":
			return fmt.Errorf("member %s: the tag prefer is representation, for a flag", field.Name)
		case inPath != "" && inQuery+inHeader != "" || inQuery != "" && inHeader != "":
			return fmt.Errorf("member %s comes from the path, from the query or from a header, not from two of them", field.Name)
		case inHeader != "" && field.Type.Kind() != reflect.String:
			return fmt.Errorf("member %s is a header and not a text", field.Name)
		case inHeader != "":
			b.header = append(b.header, i)
		case inPath != "":
			rest := strings.Replace(unbound, "{"+inPath+"}", "", 1)
			if rest == unbound || field.Type.Kind() != reflect.String {
				return fmt.Errorf("member %s is not a text of its own in the path %s", field.Name, b.Row.Edge.Path)
			}
			unbound, b.path = rest, append(b.path, i)
		case inQuery != "":
			if parameters[inQuery] || field.Type.Kind() != reflect.String && field.Type != reflect.TypeFor[*int64]() {
				return fmt.Errorf("parameter %q is not a text or a *int64 of its own", inQuery)
			}
			parameters[inQuery], b.query = true, append(b.query, i)
		default:
			body = append(body, i)
		}
	}
	if strings.Contains(unbound, "{") {
		return fmt.Errorf("no member of %s is bound to each of the path %s", request, b.Row.Edge.Path)
	}
	b.body = newPart(request, body)
	if len(body) == 0 {
		return nil
	}
	if b.Row.Edge.Method == http.MethodGet || b.Row.Edge.Method == http.MethodDelete { // RFC 9110 sections 9.3.1, 9.3.5
		return fmt.Errorf("a %s has no body for the member %s; tag it with path or query", b.Row.Edge.Method, request.Field(body[0]).Name)
	}
	_, err := strictjson.Decode([]byte(`{}`), reflect.New(b.body.typ).Interface())
	return err
}

func (b *Binding) bindResponse(response reflect.Type) error {
	unfilled := b.Row.Edge.Location
	for i := range response.NumField() {
		field := response.Field(i)
		text := field.Type.Kind() == reflect.String
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); text {
			unfilled = strings.ReplaceAll(unfilled, "{"+name+"}", "")
		}
		switch edge := field.Tag.Get("edge"); {
		case edge == "created" && field.Type.Kind() == reflect.Bool:
			b.created = i
		case edge == "representation" && field.Type.Kind() == reflect.Pointer && field.Type.Elem().Kind() == reflect.Struct:
			b.instead = i
		case edge != "" && edge != "-":
			return fmt.Errorf("member %s: the edge tags are -, created for a flag, and representation for what points to a struct", field.Name)
		}
	}
	var err error
	if b.answer, err = newShape(response); err != nil {
		return err
	}
	if b.instead >= 0 {
		if b.preferred, err = newShape(response.Field(b.instead).Type.Elem()); err != nil {
			return err
		}
	}
	if (b.instead >= 0) != (b.prefers >= 0) {
		return fmt.Errorf("a request that prefers the representation and a response that has it belong together")
	}
	if strings.Contains(unfilled, "{") {
		return fmt.Errorf("the location %s names a text that %s does not have", b.Row.Edge.Location, response)
	}
	if success := b.Row.Edge.Success; success != 0 && (success < 200 || success > 299) {
		return fmt.Errorf("%d is not a status of success", success)
	}
	return nil
}

// shape is how a struct is sent.
type shape struct {
	headers []int // the members that are headers
	body    part  // the others, but for those with an edge tag
}

func newShape(t reflect.Type) (s shape, err error) {
	var body []int
	for i := range t.NumField() {
		field := t.Field(i)
		switch {
		case field.Tag.Get("header") != "" && field.Type.Kind() != reflect.String:
			return s, fmt.Errorf("member %s is a header and not a text", field.Name)
		case field.Tag.Get("header") != "":
			s.headers = append(s.headers, i)
		case field.Tag.Get("edge") == "":
			body = append(body, i)
		}
	}
	s.body = newPart(t, body)
	return s, nil
}

// part is some members of a struct, as a struct of their own.
type part struct {
	typ     reflect.Type
	members []int
}

func newPart(whole reflect.Type, members []int) part {
	fields := make([]reflect.StructField, len(members))
	for i, member := range members {
		fields[i] = whole.Field(member)
		fields[i].Offset, fields[i].Index = 0, nil
	}
	return part{reflect.StructOf(fields), members}
}

// into copies the part's members into the whole; from copies them out.
func (p part) into(whole, part reflect.Value) {
	for i, member := range p.members {
		whole.Field(member).Set(part.Field(i))
	}
}

func (p part) from(whole reflect.Value) reflect.Value {
	part := reflect.New(p.typ).Elem()
	for i, member := range p.members {
		part.Field(i).Set(whole.Field(member))
	}
	return part
}
