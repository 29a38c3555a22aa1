package strictjson

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Parse reads exactly one JSON value. It refuses invalid UTF-8, a member name that occurs twice in an object, lone
// surrogates in \u escapes, anything behind the value, more than [MaxDepth] levels, more than [MaxValues] values, and
// numbers of more than [MaxNumberLength] bytes. Every error is a *[SyntaxError].
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
	text   string
	at     int
	depth  int
	values int // that have begun
	names  []string
	items  []Value
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
	if p.values++; p.values > MaxValues {
		return Value{}, p.fail(fmt.Sprintf("the text holds more than %d values", MaxValues))
	}
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
		if more = p.skip(","); more {
			p.space()
		} else if p.peek() != closing {
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
	if !p.skip(":") {
		return p.unexpected(`":"`)
	}
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

// number reads a literal by the grammar of RFC 8259 section 6.
func (p *parser) number() (Value, error) {
	start := p.at
	p.skip("-")
	leadingZero := p.peek() == '0'
	switch n := p.digits(); {
	case n == 0:
		return Value{}, p.unexpected("a digit")
	case n > 1 && leadingZero:
		return Value{}, p.failAt(start, "a number must not start with a superfluous 0")
	}
	if p.skip(".") && p.digits() == 0 {
		return Value{}, p.unexpected("a digit")
	}
	if p.skip("eE") {
		p.skip("+-")
		if p.digits() == 0 {
			return Value{}, p.unexpected("a digit")
		}
	}
	if p.at-start > MaxNumberLength {
		return Value{}, p.failAt(start, fmt.Sprintf("a number is longer than %d characters", MaxNumberLength))
	}
	return Value{kind: Number, text: p.text[start:p.at]}, nil
}

// skip passes over one of the bytes, if the next one is.
func (p *parser) skip(bytes string) bool {
	skipped := strings.IndexByte(bytes, p.peek()) >= 0
	if skipped {
		p.at++
	}
	return skipped
}

func (p *parser) digits() int {
	start := p.at
	for c := p.peek(); '0' <= c && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at - start
}

// string reads what stands between double quotes, RFC 8259 section 7. Without escapes it copies nothing.
func (p *parser) string() (string, error) {
	opening := p.at
	p.at++
	start := p.at
	var unescaped []byte
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			text := p.text[start:p.at]
			p.at++
			if unescaped == nil {
				return text, nil
			}
			return string(append(unescaped, text...)), nil
		case c == '\\':
			unescaped = append(unescaped, p.text[start:p.at]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			unescaped = utf8.AppendRune(unescaped, r)
			start = p.at
		case c < ' ':
			return "", p.fail("a string holds a raw control character; write it as \\u00" + strconv.FormatUint(uint64(c)|0x100, 16)[1:])
		default:
			p.at++
		}
	}
	return "", p.failAt(opening, "the string that starts here does not end")
}

// escape reads one escape sequence, or the two that write a surrogate pair.
func (p *parser) escape() (rune, error) {
	const letters, meanings = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	rest := p.text[p.at:]
	if len(rest) > 1 {
		if i := strings.IndexByte(letters, rest[1]); i >= 0 {
			p.at += 2
			return rune(meanings[i]), nil
		}
	}
	if !strings.HasPrefix(rest, `\u`) {
		return 0, p.fail("this escape is not one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
	}
	r, ok := codeUnit(rest)
	if !ok {
		return 0, p.fail("\\u must be followed by four hexadecimal digits")
	}
	if utf16.IsSurrogate(r) {
		low, _ := codeUnit(rest[6:])
		// A lone surrogate has no character (RFC 8259 section 8.2): readers replace, drop or keep it, and disagree.
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return 0, p.fail("this escape is half of a surrogate pair")
		}
		p.at += 6
	}
	p.at += 6
	return r, nil
}

// codeUnit is what the escape \uXXXX at the start of a text means.
func codeUnit(text string) (unit rune, ok bool) {
	if len(text) < 6 || text[:2] != `\u` {
		return 0, false
	}
	n, err := strconv.ParseUint(text[2:6], 16, 16)
	return rune(n), err == nil
}

// Quote is text as an error may show it: escaped to printable ASCII and cut to some 40 bytes, so that neither a log
// nor a terminal is at the mercy of whoever wrote the input.
func Quote(text string) string {
	const longest = 40 // a name or a kid is recognisable, a token is not usable
	if len(text) <= longest {
		return strconv.QuoteToASCII(text)
	}
	return strconv.QuoteToASCII(text[:longest]) + "..."
}
