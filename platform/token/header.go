package token

import (
	"slices"
	"strings"
)

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
