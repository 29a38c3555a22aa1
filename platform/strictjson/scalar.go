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
