package framing

const (
	// maxFields is how many header lines a request may have, as many as Apache allows. Each costs net/http some hundred
	// bytes, however short it is.
	maxFields = 100
	// maxDigits keeps a length far from overflowing.
	maxDigits = 18
)

// place is where in a request the next byte stands.
type place uint8

const (
	atRequest place = iota // the first byte of a request
	inMethod               // the rest of its first line
	atTarget
	inTarget
	inVersion
	atLineEnd // the LF of any line but the last
	atField   // the first byte of a header line
	inName
	inValue
	atHeadEnd // the LF of the empty line
	inBody    // whose length is known
	unframed  // behind the head of a request whose end is not looked for
	over      // behind a last request
)

// Scanner follows the requests of one HTTP/1 connection. The zero value stands before the first one.
type Scanner struct {
	at      place
	version int  // bytes of it so far
	old     bool // it is HTTP/1.0
	fields  int  // header lines so far
	field   field
	length  length
	coding  coding
	body    int64 // bytes of the body that are still to come
}

// Scan takes the next bytes of the connection and says how many of them may be passed on: all, or those before the first
// byte that is unclear, or those of the last request. A head is passed on whole only where all of it is clear. After an
// error Scan must not be called again.
func (s *Scanner) Scan(p []byte) (passed int, err error) {
	for i := 0; i < len(p); {
		switch s.at {
		case inBody:
			n := min(s.body, int64(len(p)-i))
			s.body -= n
			i += int(n)
			if s.body == 0 {
				s.at = s.next()
			}
			continue
		case unframed:
			return len(p), nil
		case over:
			return i, nil
		case inTarget:
			i += leading(p[i:], visible)
		case inValue:
			if s.field.kind == otherField {
				i += leading(p[i:], text)
			}
		default: // where every byte means something
		}
		if i == len(p) {
			break
		}
		if why := s.step(p[i]); why != fine {
			return i, UnclearError(why)
		}
		i++
	}
	return len(p), nil
}

// leading is how many bytes at the beginning are of a class: most bytes of a head mean nothing here.
func leading(p []byte, class uint8) int {
	for i, b := range p {
		if classes[b]&class == 0 {
			return i
		}
	}
	return len(p)
}

// step takes one byte of a head.
func (s *Scanner) step(b byte) problem {
	switch s.at {
	case atRequest:
		*s = Scanner{at: inMethod}
		return unless(is(b, token), badRequestLine)
	case inMethod, atTarget, inTarget, inVersion:
		return s.requestLine(b)
	case atLineEnd:
		s.at = atField
		return unless(b == '\n', badLineEnd)
	case atField:
		return s.beginField(b)
	case inName:
		return s.fieldName(b)
	case inValue:
		return s.fieldValue(b)
	default: // atHeadEnd
		if b != '\n' {
			return badLineEnd
		}
		return s.endHead()
	}
}

// versionPrefix is what both versions begin with.
const versionPrefix = "HTTP/1."

// requestLine takes a byte of METHOD SP TARGET SP HTTP/1.1 CR, behind the first one (RFC 9112 section 3).
func (s *Scanner) requestLine(b byte) problem {
	switch {
	case s.at == inMethod && b == ' ':
		s.at = atTarget
	case s.at == inMethod:
		return unless(is(b, token), badRequestLine)
	case s.at == inTarget && b == ' ':
		s.at = inVersion
	case s.at != inVersion:
		s.at = inTarget
		return unless(is(b, visible), badRequestLine)
	case s.version < len(versionPrefix):
		s.version++
		return unless(b == versionPrefix[s.version-1], badRequestLine)
	case s.version == len(versionPrefix):
		s.version++
		s.old = b == '0'
		return unless(b == '0' || b == '1', badRequestLine)
	default:
		s.at = atLineEnd
		return unless(b == '\r', badLineEnd)
	}
	return fine
}

// endHead decides what comes behind a head.
func (s *Scanner) endHead() problem {
	switch {
	case s.coding.seen && s.length.seen:
		return lengthAndChunks
	case s.coding.seen && s.old:
		return badEncoding
	case s.coding.seen:
		s.at = unframed
	case s.length.value > 0:
		s.at, s.body = inBody, s.length.value
	default:
		s.at = s.next()
	}
	return fine
}

// next is what comes behind a body.
func (s *Scanner) next() place {
	if s.old {
		return over
	}
	return atRequest
}
