package token_test

import (
	"fmt"
	"strings"
	"testing"

	"oms/platform/token"
)

// RFC 7515 section 2, RFC 4648 section 3: base64url in its one form. Every insertion is made in header and claims
// before they are signed, so that the signature holds over the text with it.
func TestAttackBytesInSegments(t *testing.T) {
	w := proven(t, token.ES256)
	header, claims := encode(text(t, w.header())), encode(text(t, w.claims()))
	for _, inserted := range []string{"\r", "\n", "\r\n", " ", "\t", "=", "==", "\x00", "+", "/", "%", "%0a", "\u00a0", "\xff", ",", ";"} {
		for at := range 3 {
			w.refuse(t, w.forgeEncoded(t, put(header, inserted, at), claims), token.ReasonMalformed)
			w.refuse(t, w.forgeEncoded(t, header, put(claims, inserted, at)), token.ReasonMalformed)
			parts := strings.Split(w.forgeEncoded(t, header, claims), ".")
			w.refuse(t, parts[0]+"."+parts[1]+"."+put(parts[2], inserted, at), token.ReasonMalformed)
		}
	}
}

// put inserts at the start, in the middle or at the end.
func put(segment, inserted string, where int) string {
	at := []int{0, len(segment) / 2, len(segment)}[where]
	return segment[:at] + inserted + segment[at:]
}

// RFC 4648 section 3.5: non-zero trailing bits, with which a token has many texts.
func TestAttackTrailingBits(t *testing.T) {
	w := proven(t, token.ES256)
	header, claims := text(t, w.header()), text(t, w.claims())
	for len(header)%3 != 1 { // one byte in the last group leaves four bits that mean nothing
		header += " "
	}
	for len(claims)%3 != 2 { // two bytes leave two
		claims += " "
	}
	valid := w.forge(t, header, claims)
	w.accept(t, valid)
	w.refuse(t, w.forgeEncoded(t, nextLetter(encode(header)), encode(claims)), token.ReasonMalformed)
	w.refuse(t, w.forgeEncoded(t, encode(header), nextLetter(encode(claims))), token.ReasonMalformed)
	w.refuse(t, nextLetter(valid), token.ReasonMalformed) // 64 bytes of signature leave four bits
}

// nextLetter replaces the last letter by the next of the alphabet: the lowest bit changes.
func nextLetter(segment string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(segment) - 1
	return segment[:last] + string(alphabet[strings.IndexByte(alphabet, segment[last])+1])
}

// CVE-2025-30204, CVE-2025-27144: too few, too many, thousands and millions of segments, at a cost that does not grow.
func TestAttackSegments(t *testing.T) {
	w := proven(t, token.ES256)
	valid := w.signed(t, w.header(), w.claims())
	for _, raw := range []string{
		"", ".", "..", "...", valid[:strings.LastIndex(valid, ".")], valid + ".", "." + valid, valid + ".e30", valid + "." + valid,
		strings.Replace(valid, ".", "..", 1), strings.Repeat(".", 5000), strings.Repeat("A.", 5000), valid + strings.Repeat(".", 1<<20),
		strings.Repeat("A", 10<<20) + ".A.A", "Bearer " + valid, valid[:len(valid)/2],
	} {
		w.refuse(t, raw, token.ReasonMalformed)
		if _, err := token.Peek(raw); token.ReasonOf(err) != token.ReasonMalformed {
			t.Errorf("Peek must refuse it as malformed, got %v", err)
		}
	}
	for _, bomb := range []string{strings.Repeat(".", token.MaxLength), strings.Repeat(".", 10<<20)} {
		if n := testing.AllocsPerRun(10, func() { _, _ = w.issuer.Verify(bomb, w.keys, now) }); n > 2 {
			t.Errorf("%d dots cost %.0f allocations", len(bomb), n)
		}
	}
}

// RFC 7515 section 7.2: the JSON serializations, which can hold several signatures and unsigned headers.
func TestAttackJSONSerialization(t *testing.T) {
	w := proven(t, token.ES256)
	parts := strings.Split(w.signed(t, w.header(), w.claims()), ".")
	flattened := fmt.Sprintf(`{"payload":%q,"protected":%q,"signature":%q}`, parts[1], parts[0], parts[2])
	general := fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, parts[1], parts[0], parts[2])
	for _, raw := range []string{flattened, general, "[" + flattened + "]", `"` + strings.Join(parts, ".") + `"`, encode(flattened) + ".."} {
		w.refuse(t, raw, token.ReasonMalformed, token.ReasonAlgorithm)
	}
}

// RFC 8725 section 3.7, RFC 8259 section 8.1: UTF-8 only, without a byte order mark; no lone surrogates, no overlong forms.
func TestAttackEncoding(t *testing.T) {
	w := proven(t, token.ES256)
	header, claims := text(t, w.header()), text(t, w.claims())
	w.accept(t, w.forge(t, insert(header, `"x":"ü"`), insert(claims, `"x":"ü😀\ud83d\ude00"`)))
	for _, bad := range []string{"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", `\ud800`, `\udc00\ud800`, `\ud83d\u0041`, "\n", "\x00"} {
		w.refuse(t, w.forge(t, insert(header, `"x":"`+bad+`"`), claims), token.ReasonMalformed)
		w.refuse(t, w.forge(t, header, insert(claims, `"x":"`+bad+`"`)), token.ReasonMalformed)
		w.refuse(t, w.forge(t, header, insert(claims, `"`+bad+`":1`)), token.ReasonMalformed)
	}
	utf16 := strings.Join(strings.Split(claims, ""), "\x00") + "\x00"
	for _, bad := range []string{"\ufeff" + claims, utf16, claims + "\x00", claims + "{}", claims + "x", "", " ", "null", "[" + claims + "]", `"` + encode(claims) + `"`, claims[1:], "7"} {
		w.refuse(t, w.forge(t, header, bad), token.ReasonMalformed)
		w.refuse(t, w.forge(t, bad, claims), token.ReasonMalformed)
	}
}

// RFC 8725 section 2.4: nesting and numbers that exhaust a parser.
func TestAttackDeepOrHugeJSON(t *testing.T) {
	w := proven(t, token.ES256)
	header, claims := text(t, w.header()), text(t, w.claims())
	w.accept(t, w.forge(t, header, insert(claims, `"x":`+strings.Repeat("[", 63)+strings.Repeat("]", 63))))
	for _, bad := range []string{
		strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 5000), strings.Repeat(`{"a":`, 1500),
		"1" + strings.Repeat("0", 64), "NaN", "Infinity", "0x10", "01", "+1", ".5", "1e",
	} {
		w.refuse(t, w.forge(t, header, insert(claims, `"x":`+bad)), token.ReasonMalformed)
		w.refuse(t, w.forge(t, insert(header, `"x":`+bad), claims), token.ReasonMalformed)
	}
}

// CVE-2023-51774 (signed or encrypted), CVE-2024-28180 (compression), CVE-2023-51775 and CVE-2023-52428 (p2c).
func TestAttackEncryptedTokens(t *testing.T) {
	w := proven(t, token.ES256)
	jwe := encode(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":"`+w.key.ID()+`","typ":"at+jwt"}`) + ".a2V5.aXY.dGV4dA.dGFn"
	w.refuse(t, jwe, token.ReasonMalformed)
	for name, value := range map[string]any{"enc": "A256GCM", "zip": "DEF", "p2c": 2147483647, "p2s": "c2FsdA", "epk": object{}} {
		w.refuse(t, w.signed(t, with(w.header(), name, value), w.claims()), token.ReasonHeader)
	}
	for _, alg := range []string{"RSA-OAEP", "RSA1_5", "dir", "A256KW", "PBES2-HS256+A128KW", "ECDH-ES"} {
		w.refuse(t, w.signed(t, with(w.header(), "alg", alg), w.claims()), token.ReasonAlgorithm)
	}
}

// Every single character of a token matters: replaced, removed or doubled, none of the results is accepted.
func TestAttackAnySingleCharacter(t *testing.T) {
	w := proven(t, token.EdDSA)
	valid := w.sign(t, "at+jwt", w.claims())
	w.accept(t, valid)
	for i := range len(valid) {
		for _, replacement := range []string{"", valid[i:i+1] + valid[i:i+1], "A", "_", ".", "=", "\n"} {
			if replacement == valid[i:i+1] {
				continue
			}
			if _, err := w.issuer.Verify(valid[:i]+replacement+valid[i+1:], w.keys, now); err == nil {
				t.Errorf("accepted with %q at %d", replacement, i)
			}
		}
	}
}
