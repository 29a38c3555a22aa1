package strictjson

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Parse reads exactly one JSON value. It refuses invalid UTF-8, a member name that occurs twice in an object, lone
// surrogates in \u escapes, anything behind the value, more than [MaxDepth] levels and numbers of more than
// [MaxNumberLength] bytes. Every error is a *[SyntaxError].
func Parse(data []byte) (Value, error) {
	p := parser{text: string(data)}
	for i, r := range p.text {
		if r == utf8.RuneError && !strings.HasPrefix(p.text[i:], "\ufffd") { // RFC 8259 section 8.1
			return Value{}, p.failAt(i, "the text is not valid UTF-8")
		}
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

func (p *parser) unexpected(wanted string) error {
	if p.at >= len(p.text) {
		return p.fail("the text ends where " + wanted + " is expected")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return p.fail(wanted + " is expected, not " + strconv.QuoteRuneToASCII(r))
}

// peek is the next byte, and 0 at the end: a NUL is valid nowhere outside a string, where peek is not used.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.at++
	}
}

func (p *parser) value() (Value, error) {
	switch c := p.peek(); {
	case c == '{':
		return p.composite(Object, '}', `"," or "}"`)
	case c == '[':
		return p.composite(Array, ']', `"," or "]"`)
	case c == '"':
		text, err := p.string()
		return Value{kind: String, text: text}, err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	for _, literal := range [...]Value{{kind: Bool, text: "true"}, {kind: Bool, text: "false"}, {kind: Null, text: "null"}} {
		if strings.HasPrefix(p.text[p.at:], literal.text) {
			p.at += len(literal.text)
			return literal, nil
		}
	}
	return Value{}, p.unexpected("a JSON value")
}

// composite reads an array or an object; wanted is what can stand behind each of its elements.
func (p *parser) composite(kind Kind, closing byte, wanted string) (Value, error) {
	if p.depth == MaxDepth {
		return Value{}, p.fail(fmt.Sprintf("the value is nested deeper than %d levels", MaxDepth))
	}
	p.depth++
	p.at++
	p.space()
	base, baseNames := len(p.items), len(p.names)
	var seen index
	for more := p.peek() != closing; more; {
		if kind == Object {
			if err := p.name(baseNames, &seen); err != nil {
				return Value{}, err
			}
		}
		item, err := p.value()
		if err != nil {
			return Value{}, err
		}
		p.items = append(p.items, item)
		p.space()
		switch p.peek() {
		case ',':
			p.at++
			p.space()
		case closing:
			more = false
		default:
			return Value{}, p.unexpected(wanted)
		}
	}
	p.at++
	p.depth--
	if len(p.items) == base {
		return Value{kind: kind}, nil
	}
	inner := &children{items: slices.Clone(p.items[base:]), names: slices.Clone(p.names[baseNames:])}
	clear(p.items[base:])
	p.items, p.names = p.items[:base], p.names[:baseNames]
	return Value{kind: kind, inner: inner}, nil
}

// name reads the name of a member and the colon behind it. The names of its object begin at base.
func (p *parser) name(base int, seen *index) error {
	if p.peek() != '"' {
		return p.unexpected("a member name in double quotes")
	}
	start := p.at
	name, err := p.string()
	if err != nil {
		return err
	}
	if seen.has(p.names[base:], name) {
		return p.failAt(start, "the member "+Quote(name)+" occurs twice in one object")
	}
	p.names = append(p.names, name)
	p.space()
	if p.peek() != ':' {
		return p.unexpected(`":"`)
	}
	p.at++
	p.space()
	return nil
}

// index finds a name among those already read of one object, in constant time once there are many: otherwise an object
// of n members would take n² comparisons.
type index map[string]struct{}

// scanLimit is where a map becomes faster than comparing names one by one.
const scanLimit = 16

func (x *index) has(names []string, name string) bool {
	if len(names) < scanLimit {
		return slices.Contains(names, name)
	}
	if *x == nil {
		*x = make(index, 2*len(names))
		for _, known := range names {
			(*x)[known] = struct{}{}
		}
	}
	_, known := (*x)[name]
	(*x)[name] = struct{}{}
	return known
}
