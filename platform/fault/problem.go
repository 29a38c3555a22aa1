package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Field is one problem of one part of the input. Its JSON is one object: code, detail, then a header, a parameter or a pointer,
// then the figures by name.
type Field struct {
	Code      FieldCode // for programs
	Detail    string    // for people
	Header    string    // the name of a header, where the problem is there
	Parameter string    // of the path or the query, where the problem is there
	Pointer   string    // else: JSON Pointer (RFC 6901) into the request body; "" is the whole body
	Figures   []Figure  // what a program can go by: "available", 3
}

// FieldCode says what is wrong with a part of the input. The list is appended to, and an entry never changes.
type FieldCode string

// What can be wrong with a part of the input.
const (
	Required   FieldCode = "required"     // it is missing
	NotKnown   FieldCode = "unknown"      // nothing of that name is known here
	WrongType  FieldCode = "wrong_type"   // another type is expected
	WrongForm  FieldCode = "wrong_form"   // it is not written as it has to be
	OutOfRange FieldCode = "out_of_range" // a number, a length or how many there are is beyond its bounds
	Repeated   FieldCode = "repeated"     // it is given more than once
	Reused     FieldCode = "reused"       // it names something else already
	NotEnough  FieldCode = "not_enough"   // less is there than is asked for
)

// FieldCodes are all of them.
func FieldCodes() []FieldCode {
	return []FieldCode{Required, NotKnown, WrongType, WrongForm, OutOfRange, Repeated, Reused, NotEnough}
}

// InBody says whether the problem is one of the body.
func (f Field) InBody() bool { return f.Header == "" && f.Parameter == "" }

// Figure is a whole number with a name.
type Figure struct {
	Name  string
	Value int64
}

// Figure is the figure of a name.
func (f Field) Figure(name string) (value int64, found bool) {
	for _, figure := range f.Figures {
		if figure.Name == name {
			return figure.Value, true
		}
	}
	return 0, false
}

// sentence is a field without its figures.
type sentence struct {
	Code      FieldCode `json:"code,omitempty"`
	Detail    string    `json:"detail"`
	Header    string    `json:"header,omitempty"`
	Parameter string    `json:"parameter,omitempty"`
	Pointer   *string   `json:"pointer,omitempty"` // nil where the problem is elsewhere
}

// MarshalJSON implements [json.Marshaler].
func (f Field) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // whoever encodes the whole decides about that
	known := sentence{Code: f.Code, Detail: f.Detail, Header: f.Header, Parameter: f.Parameter}
	if f.InBody() {
		known.Pointer = &f.Pointer
	}
	err := encoder.Encode(known)
	for _, figure := range f.Figures {
		text.Truncate(text.Len() - len("}\n"))
		text.WriteByte(',')
		err = errors.Join(err, encoder.Encode(figure.Name))
		fmt.Fprintf(&text, ":%d}\n", figure.Value)
	}
	return text.Bytes(), err
}

// UnmarshalJSON implements [json.Unmarshaler]. Members that are no whole numbers are left out: a newer version of the
// callee may have more to tell.
func (f *Field) UnmarshalJSON(text []byte) error {
	var known sentence
	if err := json.Unmarshal(text, &known); err != nil {
		return err
	}
	*f = Field{Code: known.Code, Detail: known.Detail, Header: known.Header, Parameter: known.Parameter}
	if known.Pointer != nil && f.InBody() {
		f.Pointer = *known.Pointer
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil { // the opening brace, or null
		return err
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		var whole *int64
		if json.Unmarshal(value, &whole) == nil && whole != nil {
			f.Figures = append(f.Figures, Figure{name.(string), *whole})
		}
	}
	return nil
}

// Problem is a fault as it travels: problem details (RFC 9457). RetryAfter travels beside it, in the Retry-After header.
type Problem struct {
	Type     string  `json:"type"` // the fault's Type, or about:blank (RFC 9457 section 4.2.1)
	Title    string  `json:"title"`
	Status   int     `json:"status"`
	Detail   string  `json:"detail,omitempty"`
	Instance string  `json:"instance,omitempty"` // the path of the request
	Code     Code    `json:"code"`
	TraceID  string  `json:"trace_id,omitempty"`
	Errors   []Field `json:"errors,omitempty"`
}

const untyped = "about:blank"

// Explanations is the path below which every type of problem has a page: /problems/out-of-stock.
const Explanations = "/problems/"

// Problem is the fault for a response to a request for instance that is traced as traceID. The cause is left out.
func (e *Error) Problem(instance, traceID string) Problem {
	p := Problem{
		Type: untyped, Status: e.Code.Status(), Detail: e.Detail, Instance: instance,
		Code: e.Code, TraceID: traceID, Errors: e.Fields,
	}
	p.Title = http.StatusText(p.Status)
	if p.Title == "" { // 499 is nobody's standard
		p.Title = "Client Closed Request"
	}
	if e.Type != "" {
		p.Type, p.Title = e.Type, Kind{Name: e.Type}.Title()
	}
	return p
}

// Explained is the problem with the path of the page about its type, as those see it who can open that.
func (p Problem) Explained() Problem {
	if p.Type != untyped {
		p.Type = Explanations + p.Type
	}
	return p
}

// Fault rebuilds the fault from its code, never from the status: what a proxy answered is not a fault of ours.
// ok is false where the code is not on the list.
func (p Problem) Fault() (e *Error, ok bool) {
	e = &Error{Code: p.Code, Detail: p.Detail, Fields: p.Errors}
	if p.Type != untyped {
		e.Type = p.Type
	}
	return e, p.Code.Known()
}
