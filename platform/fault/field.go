package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Field is one problem of one part of the input. Its JSON is one object: detail, pointer, then the figures by name.
type Field struct {
	Detail  string
	Pointer string   // JSON Pointer (RFC 6901) into the request body; "" is the whole body
	Figures []Figure // what a program can go by: "available", 3
}

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

// sentence is what every field has.
type sentence struct {
	Detail  string `json:"detail"`
	Pointer string `json:"pointer"`
}

// MarshalJSON implements [json.Marshaler].
func (f Field) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // whoever encodes the whole decides about that
	err := encoder.Encode(sentence{f.Detail, f.Pointer})
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
	*f = Field{Detail: known.Detail, Pointer: known.Pointer}
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
