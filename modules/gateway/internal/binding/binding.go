// Package binding translates between HTTP at the edge and an operation's request and response, by their struct tags.
//
// It is strict in what it accepts: unknown members and parameters, duplicates and trailing bytes are refused, and all
// problems of a body are named at once. It decides nothing about who may call.
package binding

import (
	"fmt"
	"reflect"
	"strings"

	"oms/platform/rpc"
)

// Binding is how one operation is reached from outside. It is immutable and safe for concurrent use.
type Binding struct {
	Operation rpc.Operation
	Row       rpc.Row
	path      []int // the request's members from the path, the query and, the others, from the body
	query     []int
	body      part
	headers   []int // the response's members that are headers; the others are the body
	answer    part
}

// New makes the binding of an operation with an edge. It fails where the row's path and the request's tags do not match.
func New(operation rpc.Operation) (*Binding, error) {
	row := operation.Row()
	if !row.Edge.Bound() {
		return nil, fmt.Errorf("operation %s has no edge", row.Name)
	}
	b := &Binding{Operation: operation, Row: row}
	var body []int
	request := reflect.TypeOf(operation.NewRequest()).Elem()
	for i := range request.NumField() {
		tag := request.Field(i).Tag
		switch {
		case tag.Get("path") != "":
			if !strings.Contains(row.Edge.Path, "{"+tag.Get("path")+"}") {
				return nil, fmt.Errorf("operation %s: the path has no {%s}", row.Name, tag.Get("path"))
			}
			b.path = append(b.path, i)
		case tag.Get("query") != "":
			b.query = append(b.query, i)
		default:
			body = append(body, i)
		}
	}
	if got := strings.Count(row.Edge.Path, "{"); got != len(b.path) {
		return nil, fmt.Errorf("operation %s: %d members of the path are bound, not %d", row.Name, len(b.path), got)
	}
	b.body = newPart(request, body)
	var answer []int
	response := reflect.TypeOf(operation.NewResponse()).Elem()
	for i := range response.NumField() {
		tag := response.Field(i).Tag
		switch {
		case tag.Get("header") != "":
			b.headers = append(b.headers, i)
		case tag.Get("edge") != "-":
			answer = append(answer, i)
		}
	}
	b.answer = newPart(response, answer)
	return b, nil
}

// EchoPath is the path in the form of echo's router: /order/:id.
func (b *Binding) EchoPath() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(b.Row.Edge.Path)
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
