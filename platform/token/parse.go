package token

import (
	"encoding/base64"
	"slices"
	"strings"

	"oms/platform/strictjson"
)

// segmentCoding is base64url without padding (RFC 7515 section 2) that refuses non-zero trailing bits, which would
// give one token many texts.
var segmentCoding = base64.RawURLEncoding.Strict()

// segments are the three decoded parts of a token in compact form.
type segments struct {
	signed    string // header and claims as they were signed, still encoded
	header    []byte
	claims    []byte
	signature []byte
}

// split takes a token apart. Length and number of dots are known before anything is allocated: splitting at every dot
// let a header of dots cost memory by the megabyte (CVE-2025-30204).
func split(raw string) (segments, error) {
	if len(raw) > MaxLength {
		return segments{}, refuse(ReasonMalformed, "it is longer than 16 KiB")
	}
	if strings.Count(raw, ".") != 2 {
		return segments{}, refuse(ReasonMalformed, "it must have exactly three segments, separated by dots")
	}
	// The decoder below skips line breaks wherever they are; everything else outside of the alphabet it refuses.
	if strings.ContainsAny(raw, "\r\n") {
		return segments{}, refuse(ReasonMalformed, "it holds a line break")
	}
	first, last := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	s := segments{signed: raw[:last]}
	encoded, buffer := []byte(raw), make([]byte, 0, len(raw)) // one allocation each, for all three
	for _, part := range [...]struct {
		into *[]byte
		text []byte
		name string
	}{{&s.header, encoded[:first], "header"}, {&s.claims, encoded[first+1 : last], "claims"}, {&s.signature, encoded[last+1:], "signature"}} {
		start := len(buffer)
		var err error
		if buffer, err = segmentCoding.AppendDecode(buffer, part.text); err != nil {
			return segments{}, refuse(ReasonMalformed, "the "+part.name+" segment is not base64url in its one form, without padding")
		}
		*part.into = buffer[start:len(buffer):len(buffer)]
	}
	return s, nil
}

// object reads a segment as a JSON object without ambiguity: RFC 8725 section 2.4 wants UTF-8, RFC 7515 section 4 no
// duplicates.
func object(data []byte, segment string) (strictjson.Value, error) {
	value, err := strictjson.Parse(data)
	if err != nil {
		return strictjson.Value{}, refuse(ReasonMalformed, "the "+segment+" is not acceptable JSON: "+err.Error())
	}
	if value.Kind() != strictjson.Object {
		return strictjson.Value{}, refuse(ReasonMalformed, "the "+segment+" must be a JSON object, not "+value.Kind().String())
	}
	return value, nil
}

// refuseVariants refuses names that differ from a registered one only in case, because other readers (encoding/json among
// them) take them for the registered one.
func refuseVariants(object strictjson.Value, segment string, isVariant func(name string) bool) error {
	for name := range object.Members() {
		if isVariant(name) {
			return refuse(ReasonMalformed, "the "+segment+" member "+quoted(name)+" differs from a registered name in case only")
		}
	}
	return nil
}

// variant reports whether name is one of the registered names in another case, by the folding that readers use
// (Unicode simple folding: the Kelvin sign is a k).
func variant(name string, registered ...string) bool {
	return !plain(name) && slices.ContainsFunc(registered, func(known string) bool { return name != known && strings.EqualFold(name, known) })
}

// plain reports whether name is of lower-case ASCII letters, digits and underscores, as nearly every name is: registered
// names are too, so such a name is either one of them or folds to none. The only other, x5t#S256, has a # in every case.
func plain(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || 'z' < c) && (c < '0' || '9' < c) && c != '_' {
			return false
		}
	}
	return true
}

// Header is the JOSE header of a token (RFC 7515 section 4), as far as this package uses it.
type Header struct {
	Algorithm Algorithm // alg: known, but not therefore right
	KeyID     string    // kid: 1 to 256 printable ASCII characters, and never anything but the key of a map
	Type      string    // typ in lower case and without "application/"; "" when it is absent
}

// refusedHeaders are members that would let the sender choose the key, change what is signed, or ask for something
// that this package does not understand.
var refusedHeaders = []struct{ name, why string }{
	{"jwk", "a key in the token proves nothing (RFC 8725 section 3.10, CVE-2018-0114)"},
	{"jku", "keys are never fetched from where a token says (RFC 8725 section 3.10)"},
	{"x5u", "certificates are never fetched from where a token says (RFC 8725 section 3.10)"},
	{"x5c", "a certificate in the token proves nothing"},
	{"crit", "no critical extension is understood (RFC 7515 section 4.1.11)"},
	{"b64", "unencoded payloads are not accepted (RFC 7797)"},
	{"enc", "encrypted tokens are not accepted (CVE-2023-51774)"},
	{"zip", "compressed tokens are not accepted (CVE-2024-28180)"},
	{"p2c", "password-based encryption is not accepted (CVE-2023-51775, CVE-2023-52428)"},
	{"p2s", "password-based encryption is not accepted"},
	{"epk", "encrypted tokens are not accepted"},
}

func headerVariant(name string) bool {
	return variant(name, "alg", "kid", "typ", "cty", "x5t", "x5t#S256") ||
		slices.ContainsFunc(refusedHeaders, func(refused struct{ name, why string }) bool { return variant(name, refused.name) })
}

// readHeader checks what holds for the header of every token, whoever issued it.
func readHeader(data []byte) (Header, error) {
	value, err := object(data, "header")
	if err == nil {
		err = refuseVariants(value, "header", headerVariant)
	}
	if err != nil {
		return Header{}, err
	}
	for _, refused := range refusedHeaders {
		if _, present := value.Get(refused.name); present {
			return Header{}, refuse(ReasonHeader, "the header has "+refused.name+": "+refused.why)
		}
	}
	h := Header{Algorithm: Algorithm(textOf(value, "alg")), KeyID: textOf(value, "kid")}
	typ, present := value.Get("typ")
	text, _ := typ.Text()
	switch {
	case !h.Algorithm.Known(): // none and HMAC among them (RFC 8725 section 3.1)
		return Header{}, refuse(ReasonAlgorithm, "alg "+quoted(string(h.Algorithm))+" is not one that is accepted from anyone")
	case !printable(h.KeyID, maxKeyID):
		return Header{}, refuse(ReasonHeader, "kid must be a string of 1 to 256 printable ASCII characters")
	case present && !printable(text, maxType):
		return Header{}, refuse(ReasonType, "typ must be a string of 1 to 128 printable ASCII characters")
	}
	h.Type = normalType(text)
	return h, nil
}

// normalType is typ as it is compared: RFC 7515 section 4.1.9, media types ignore case and may leave out
// "application/" when no other slash is there.
func normalType(text string) string {
	lower := strings.ToLower(text)
	if short, cut := strings.CutPrefix(lower, "application/"); cut && short != "" && !strings.Contains(short, "/") {
		return short
	}
	return lower
}

// printable reports whether text is 1 to longest characters of ASCII without controls.
func printable(text string, longest int) bool {
	if text == "" || len(text) > longest {
		return false
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}
