package strictjson

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Parse reads exactly one JSON value. It refuses invalid UTF-8, a member name that occurs twice in an object, lone
// surrogates in \u escapes, anything behind the value, more than [MaxDepth] levels and numbers of more than
// [MaxNumberLength] bytes. Every error is a *[SyntaxError].
func Parse(data []byte) (Value, error) {
	p := parser{text: string(data)}
	if !utf8.ValidString(p.text) { // RFC 8259 section 8.1
		return Value{}, p.failAt(invalidUTF8(p.text), "the text is not valid UTF-8")
	}
	// A token's claims or a small body fit without growing.
	p.names, p.items = make([]string, 0, 16), make([]Value, 0, 16)
	p.space()
	value, err := p.value()
	if err != nil {
		return Value{}, err
	}
	p.space()
	if p.at < len(p.text) {
		return Value{}, p.fail("there is more text behind the value; exactly one JSON value is expected")
	}
	return value, nil
}

func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// parser holds what is not closed yet on two stacks, so that arrays and objects are allocated once, at their size.
type parser struct {
	text  string
	at    int
	depth int
	names []string
	items []Value
}

func (p *parser) failAt(offset int, detail string) error {
	return &SyntaxError{Offset: offset, Detail: detail}
}

func (p *parser) fail(detail string) error { return p.failAt(p.at, detail) }

// peek is the next byte, and 0 at the end: a NUL is valid nowhere outside a string, where peek is not used.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value() (Value, error) {
	switch c := p.peek(); {
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '"':
		text, err := p.string()
		return Value{kind: String, text: text}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return p.word("true", Bool)
	case c == 'f':
		return p.word("false", Bool)
	case c == 'n':
		return p.word("null", Null)
	}
	return Value{}, p.unexpected("a JSON value")
}

func (p *parser) word(word string, kind Kind) (Value, error) {
	if len(p.text)-p.at < len(word) || p.text[p.at:p.at+len(word)] != word {
		return Value{}, p.unexpected("a JSON value")
	}
	p.at += len(word)
	return Value{kind: kind, text: word}, nil
}

func (p *parser) unexpected(wanted string) error {
	if p.at >= len(p.text) {
		return p.fail("the text ends where " + wanted + " is expected")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return p.fail(wanted + " is expected, not " + strconv.QuoteRuneToASCII(r))
}

func (p *parser) open() error {
	if p.depth == MaxDepth {
		return p.fail(fmt.Sprintf("the value is nested deeper than %d levels", MaxDepth))
	}
	p.depth++
	p.at++
	p.space()
	return nil
}

// next reads the comma between two elements, or the closing byte.
func (p *parser) next(closing byte, wanted string) (more bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.at++
		p.space()
		return true, nil
	case closing:
		p.at++
		return false, nil
	}
	return false, p.unexpected(wanted)
}

func (p *parser) array() (Value, error) {
	if err := p.open(); err != nil {
		return Value{}, err
	}
	base, more := len(p.items), true
	if p.peek() == ']' {
		p.at++
		more = false
	}
	for more {
		item, err := p.value()
		if err != nil {
			return Value{}, err
		}
		p.items = append(p.items, item)
		if more, err = p.next(']', `"," or "]"`); err != nil {
			return Value{}, err
		}
	}
	p.depth--
	return p.take(Array, base, len(p.names)), nil
}

func (p *parser) object() (Value, error) {
	if err := p.open(); err != nil {
		return Value{}, err
	}
	base, baseNames, more := len(p.items), len(p.names), true
	if p.peek() == '}' {
		p.at++
		more = false
	}
	var seen index
	for more {
		if p.peek() != '"' {
			return Value{}, p.unexpected("a member name in double quotes")
		}
		start := p.at
		name, err := p.string()
		if err != nil {
			return Value{}, err
		}
		if seen.has(p.names[baseNames:], name) {
			return Value{}, p.failAt(start, "the member "+Quote(name)+" occurs twice in one object")
		}
		p.names = append(p.names, name)
		p.space()
		if p.peek() != ':' {
			return Value{}, p.unexpected(`":"`)
		}
		p.at++
		p.space()
		item, err := p.value()
		if err != nil {
			return Value{}, err
		}
		p.items = append(p.items, item)
		if more, err = p.next('}', `"," or "}"`); err != nil {
			return Value{}, err
		}
	}
	p.depth--
	return p.take(Object, base, baseNames), nil
}

// take moves what is above the given heights of the stacks into a value of its own.
func (p *parser) take(kind Kind, base, baseNames int) Value {
	if len(p.items) == base {
		return Value{kind: kind}
	}
	inner := &children{items: slices.Clone(p.items[base:]), names: slices.Clone(p.names[baseNames:])}
	clear(p.items[base:])
	p.items, p.names = p.items[:base], p.names[:baseNames]
	return Value{kind: kind, inner: inner}
}

// index finds a name among those already read of one object, in constant time once there are many: otherwise an object
// of n members would take n² comparisons.
type index struct{ names map[string]struct{} }

// scanLimit is where a map becomes faster than comparing names one by one.
const scanLimit = 16

func (x *index) has(names []string, name string) bool {
	if len(names) < scanLimit {
		return slices.Contains(names, name)
	}
	if x.names == nil {
		x.names = make(map[string]struct{}, 2*len(names))
		for _, known := range names {
			x.names[known] = struct{}{}
		}
	}
	_, known := x.names[name]
	x.names[name] = struct{}{}
	return known
}
