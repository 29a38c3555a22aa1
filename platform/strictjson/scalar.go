package strictjson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// number reads a literal by the grammar of RFC 8259 section 6.
func (p *parser) number() (Value, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	leadingZero := p.peek() == '0'
	switch n := p.digits(); {
	case n == 0:
		return Value{}, p.unexpected("a digit")
	case n > 1 && leadingZero:
		return Value{}, p.failAt(start, "a number must not start with a superfluous 0")
	}
	if p.peek() == '.' {
		p.at++
		if p.digits() == 0 {
			return Value{}, p.unexpected("a digit")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if p.digits() == 0 {
			return Value{}, p.unexpected("a digit")
		}
	}
	if p.at-start > MaxNumberLength {
		return Value{}, p.failAt(start, fmt.Sprintf("a number is longer than %d characters", MaxNumberLength))
	}
	return Value{kind: Number, text: p.text[start:p.at]}, nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
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
	start := p.at
	p.at++
	c := p.peek()
	if c == 'u' {
		return p.unicode(start)
	}
	i := strings.IndexByte(letters, c)
	if i < 0 {
		return 0, p.failAt(start, "this escape is not one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u")
	}
	p.at++
	return rune(meanings[i]), nil
}

func (p *parser) unicode(start int) (rune, error) {
	r, ok := p.hex4()
	if !ok {
		return 0, p.failAt(start, "\\u must be followed by four hexadecimal digits")
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	// A lone surrogate has no character (RFC 8259 section 8.2): readers replace, drop or keep it, and disagree.
	if p.peek() == '\\' {
		p.at++
		if p.peek() == 'u' {
			if low, ok := p.hex4(); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, nil
				}
			}
		}
	}
	return 0, p.failAt(start, "this escape is half of a surrogate pair")
}

// hex4 reads the u and four hexadecimal digits.
func (p *parser) hex4() (r rune, ok bool) {
	p.at++
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	for range 4 {
		c := p.text[p.at]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		p.at++
	}
	return r, true
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
