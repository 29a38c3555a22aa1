package framing

// UnclearError says why a head is refused.
type UnclearError string

// Error implements [error].
func (u UnclearError) Error() string { return string(u) }

// problem is what makes a head unclear.
type problem string

const (
	fine problem = "" // there is none

	badRequestLine  problem = "the first line is not METHOD TARGET HTTP/1.1"
	badLineEnd      problem = "a line does not end with CR LF"
	badName         problem = "a header name is empty, or holds what no name may hold"
	badValue        problem = "a header value holds a control character"
	foldedLine      problem = "a header line begins with a space, as if it went on with the one before"
	badLength       problem = "Content-Length is not one number"
	repeatedLength  problem = "Content-Length is repeated"
	badEncoding     problem = "Transfer-Encoding is not chunked, or HTTP/1.0 has one"
	repeatedCoding  problem = "Transfer-Encoding is repeated"
	lengthAndChunks problem = "Content-Length stands beside Transfer-Encoding"
	tooManyFields   problem = "the head has more header lines than any honest one"
)

// unless is fine where the condition holds.
func unless(holds bool, why problem) problem {
	if holds {
		return fine
	}
	return why
}

// Classes of bytes (RFC 9110 section 5.6.2, RFC 9112 sections 3 and 5).
const (
	token   = 1 << iota // in a method and in a header name
	visible             // in a target; bytes above ASCII are for net/http to judge
	text                // in a header value: also spaces and tabs
)

var classes = func() (all [256]uint8) {
	for b := range all {
		if b > ' ' && b != 0x7f {
			all[b] |= visible | text
		}
		if b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' {
			all[b] |= token
		}
	}
	for _, b := range []byte("!#$%&'*+-.^_`|~") {
		all[b] |= token
	}
	all[' '] |= text
	all['\t'] |= text
	return all
}()

func is(b byte, class uint8) bool { return classes[b]&class != 0 }
