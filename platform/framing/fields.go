package framing

// kind is what a header line means here.
type kind uint8

const (
	otherField kind = iota // nothing
	lengthField
	codingField
)

// The names of the lines that frame a body, and the only coding of HTTP/1.1 that does.
const (
	contentLength    = "content-length"
	transferEncoding = "transfer-encoding"
	chunked          = "chunked"
)

// field is the header line that is being read. Of its name it keeps no more than it compares.
type field struct {
	kind kind
	name [len(transferEncoding) + 1]byte // in lower case; one longer than the longest that counts
	read int                             // bytes of it, no more than it has room for
}

// length is a Content-Length.
type length struct {
	seen   bool
	value  int64
	digits int
	ended  bool // by a space
}

// coding is a Transfer-Encoding.
type coding struct {
	seen  bool
	read  int  // bytes of chunked
	ended bool // by a space
}

// beginField takes the first byte of a header line, or the CR of the empty one behind the last.
func (s *Scanner) beginField(b byte) problem {
	switch {
	case b == '\r':
		s.at = atHeadEnd
		return fine
	case b == ' ' || b == '\t':
		return foldedLine
	case s.fields == maxFields:
		return tooManyFields
	}
	s.fields++
	s.at, s.field = inName, field{}
	if b == ':' {
		return badName
	}
	return s.fieldName(b)
}

// fieldName takes a byte of a name, or the colon behind it: nothing may stand between them (RFC 9112 section 5.1).
func (s *Scanner) fieldName(b byte) problem {
	switch {
	case b == ':':
		return s.beginValue()
	case b == '\n':
		return badLineEnd
	case !is(b, token):
		return badName
	}
	if s.field.read < len(s.field.name) {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		s.field.name[s.field.read] = b
		s.field.read++
	}
	return fine
}

// beginValue looks whether a line counts.
func (s *Scanner) beginValue() problem {
	s.at = inValue
	switch string(s.field.name[:s.field.read]) {
	case contentLength:
		s.field.kind = lengthField
		again := s.length.seen
		s.length.seen = true
		return unless(!again, repeatedLength)
	case transferEncoding:
		s.field.kind = codingField
		again := s.coding.seen
		s.coding.seen = true
		return unless(!again, repeatedCoding)
	}
	return fine
}

// fieldValue takes a byte of a value, or the CR behind it.
func (s *Scanner) fieldValue(b byte) problem {
	switch {
	case b == '\r':
		s.at = atLineEnd
		return s.endValue()
	case b == '\n':
		return badLineEnd
	case !is(b, text):
		return badValue
	case s.field.kind == lengthField:
		return s.length.take(b)
	case s.field.kind == codingField:
		return s.coding.take(b)
	}
	return fine
}

// endValue judges a value that counts.
func (s *Scanner) endValue() problem {
	switch s.field.kind {
	case lengthField:
		return unless(s.length.digits > 0, badLength)
	case codingField:
		return unless(s.coding.read == len(chunked), badEncoding)
	default:
		return fine
	}
}

// take takes a byte of one number with spaces around it.
func (l *length) take(b byte) problem {
	switch {
	case b == ' ' || b == '\t':
		l.ended = l.digits > 0
		return fine
	case b < '0' || b > '9' || l.ended || l.digits == maxDigits:
		return badLength
	}
	l.digits++
	l.value = 10*l.value + int64(b-'0')
	return fine
}

// take takes a byte of the word chunked, in any case, with spaces around it.
func (c *coding) take(b byte) problem {
	switch {
	case b == ' ' || b == '\t':
		c.ended = c.read > 0
		return fine
	case c.ended || c.read == len(chunked) || b|0x20 != chunked[c.read]:
		return badEncoding
	}
	c.read++
	return fine
}
