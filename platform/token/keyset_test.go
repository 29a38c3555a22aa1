package token_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"oms/platform/token"
)

// member is the JWK of a key with some members replaced; drop removes one.
func member(t *testing.T, key token.Key, changes object) string {
	t.Helper()
	var jwk object
	if err := json.Unmarshal([]byte(text(t, key)), &jwk); err != nil {
		t.Fatal(err)
	}
	for name, value := range changes {
		jwk = with(jwk, name, value)
	}
	return text(t, jwk)
}

func set(members ...string) []byte { return []byte(`{"keys":[` + strings.Join(members, ",") + `]}`) }

// usable wants a set of these keys to be accepted, with n usable ones.
func usable(t *testing.T, document []byte, n int) *token.KeySet {
	t.Helper()
	keys, err := token.ParseKeySet(document)
	if err != nil {
		t.Fatalf("must be accepted: %v", err)
	}
	if keys.Len() != n {
		t.Fatalf("has %d usable keys, want %d; skipped %+v", keys.Len(), n, keys.Skipped())
	}
	return keys
}

// unusable wants the member skipped beside a good key, and the set refused without one.
func unusable(t *testing.T, good, member, because string) {
	t.Helper()
	skipped := usable(t, set(member, good), 1).Skipped()
	if len(skipped) != 1 || skipped[0] == nil || !strings.Contains(skipped[0].Error(), because) {
		t.Errorf("%.80s: skipped %+v, want %q", member, skipped, because)
	}
	if _, err := token.ParseKeySet(set(member)); err == nil || !strings.Contains(err.Error(), because) {
		t.Errorf("%.80s: alone, error %v, want %q", member, err, because)
	}
}

// RFC 7517 sections 4 and 5, RFC 8725 sections 3.1 and 3.4: keys that verify nothing here are skipped, each with why.
func TestAttackKeySetUnusableKeys(t *testing.T) {
	ec, rsa, ed := newWorld(t, token.ES256).key.Public(), newWorld(t, token.RS256).key.Public(), newWorld(t, token.EdDSA).key.Public()
	p384 := newWorld(t, token.ES384).key.Public()
	good := member(t, ec, nil)
	usable(t, set(good, member(t, rsa, nil), member(t, ed, nil), member(t, p384, nil)), 4)
	type change = object
	for _, bad := range []struct {
		from    token.Key
		change  change
		because string
	}{
		{ec, change{"kty": "oct", "k": "c2VjcmV0"}, "kty"}, {ec, change{"kty": "ec"}, "kty"}, {ec, change{"kty": drop{}}, "kty"},
		{ec, change{"crv": "P-521"}, "curve"}, {ec, change{"crv": "secp256k1"}, "curve"}, {ec, change{"crv": "P-384", "alg": drop{}}, "bytes long"},
		{ed, change{"crv": "X25519"}, "curve"}, {ed, change{"crv": "Ed448"}, "curve"}, {ed, change{"x": encode("short")}, "bytes long"},
		{ec, change{"use": "enc"}, "use"}, {ec, change{"use": nil}, "use"}, {ec, change{"key_ops": []string{"sign"}}, "key_ops"}, {ec, change{"key_ops": "verify"}, "key_ops"},
		{ec, change{"d": encode("private")}, "private key"}, {rsa, change{"d": encode("private")}, "private key"},
		{ec, change{"kid": drop{}}, "kid"}, {ec, change{"kid": 7}, "kid"}, {ec, change{"kid": "a\nb"}, "kid"}, {ec, change{"kid": strings.Repeat("a", 257)}, "kid"},
		{ec, change{"alg": "HS256"}, "algorithm"}, {ec, change{"alg": "none"}, "algorithm"}, {ec, change{"alg": "ES384"}, "algorithm"}, {ec, change{"alg": nil}, "algorithm"},
		{rsa, change{"alg": "HS256"}, "algorithm"}, {rsa, change{"alg": "RSA-OAEP"}, "algorithm"}, {rsa, change{"alg": "ES256"}, "algorithm"}, {ed, change{"alg": "ES256"}, "algorithm"},
		{ec, change{"x": encode(strings.Repeat("\x01", 32))}, "curve"}, {ec, change{"x": encode(strings.Repeat("\x00", 32)), "y": encode(strings.Repeat("\x00", 32))}, "curve"},
		{ec, change{"x": encode(strings.Repeat("\x01", 31))}, "bytes long"}, {ec, change{"y": drop{}}, "base64url"}, {ec, change{"x": "+/+/"}, "base64url"}, {ec, change{"x": "AA\nAA"}, "base64url"},
		{rsa, change{"n": encode("\x81" + strings.Repeat("\x01", 127))}, "too short"}, {rsa, change{"n": encode("\x01" + strings.Repeat("\x01", 1100))}, "too long"},
		{rsa, change{"n": encode("\x81" + strings.Repeat("\x02", 255))}, "even"}, {rsa, change{"n": ""}, "base64url"}, {rsa, change{"n": encode("\x00")}, "too short"},
		{rsa, change{"e": "AQ"}, "exponent"}, {rsa, change{"e": "Aw"}, "exponent"}, {rsa, change{"e": "AQAA"}, "exponent"}, {rsa, change{"e": encode(strings.Repeat("\xff", 9))}, "exponent"},
	} {
		changed := with(bad.change, "kid", "other")
		if _, about := bad.change["kid"]; about {
			changed = bad.change
		}
		unusable(t, good, member(t, bad.from, changed), bad.because)
	}
	for _, notAKey := range []string{`null`, `7`, `"x"`, `[]`, `{}`} {
		unusable(t, good, notAKey, "")
	}
}

// RFC 7517 section 4.5: a kid that comes twice. The first key keeps it, so that appending to a set takes no name over.
func TestAttackKeySetSameKidTwice(t *testing.T) {
	first, second := newWorld(t, token.ES256), newWorld(t, token.ES256)
	keys := usable(t, set(member(t, first.key.Public(), nil), member(t, second.key.Public(), object{"kid": first.key.ID()})), 1)
	if kept, _ := keys.Lookup(first.key.ID()); kept.Thumbprint() != first.key.ID() {
		t.Error("the second key took the name of the first")
	}
	if skipped := keys.Skipped(); len(skipped) != 1 || skipped[1] == nil {
		t.Errorf("skipped %+v", skipped)
	}
	if _, err := token.NewKeySet(first.key.Public(), first.key.Public()); err == nil {
		t.Error("NewKeySet must refuse the same kid twice")
	}
}

// What is not a key set, or is too much of one, is an error: whoever fetched it keeps the old keys.
func TestAttackKeySetDocuments(t *testing.T) {
	good := member(t, newWorld(t, token.ES256).key.Public(), nil)
	usable(t, set(good), 1)
	numbered := func(n int) []byte {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(`{"kty":"oct","kid":"%d"}`, i)
		}
		all[0] = good
		return set(all...)
	}
	usable(t, numbered(100), 1)
	for name, document := range map[string][]byte{
		"empty": {}, "HTML": []byte("<!DOCTYPE html><html><body>502</body></html>"), "null": []byte("null"), "array": []byte("[" + good + "]"),
		"no keys": []byte("{}"), "keys is an object": []byte(`{"keys":{"a":` + good + `}}`), "keys is empty": []byte(`{"keys":[]}`),
		"Keys": []byte(`{"Keys":[` + good + `]}`), "a bare key": []byte(good), "two values": append(set(good), set(good)...), "cut": set(good)[:50],
		"keys twice": []byte(`{"keys":[` + good + `],"keys":[]}`), "a member twice": []byte(`{"keys":[` + insert(good, `"kty":"oct"`) + `]}`),
		"not UTF-8": []byte(`{"keys":[` + insert(good, "\"x\":\"\xff\"") + `]}`), "101 keys": numbered(101), "10,000 keys": numbered(10_000),
		"10 MB": append(set(good), []byte(strings.Repeat(" ", 10<<20))...), "deep": []byte(strings.Repeat("[", 10_000)),
		"one byte too long": append(set(good), []byte(strings.Repeat(" ", token.MaxKeySetLength+1-len(set(good))))...),
	} {
		if keys, err := token.ParseKeySet(document); err == nil || keys != nil {
			t.Errorf("%s: must be refused", name)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: the error is %d bytes long", name, len(err.Error()))
		}
	}
	usable(t, append(set(good), []byte(strings.Repeat(" ", token.MaxKeySetLength-len(set(good))))...), 1)
}

// RFC 7518 section 6.3.1.1: published sets pad base64url and put a zero byte before n; both are tolerated.
func TestKeySetOfTheArticle(t *testing.T) {
	data, err := os.ReadFile("testdata/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	keys := usable(t, data, 1)
	key, known := keys.Lookup("NTAxZmMxNDMyZDg3MTU1ZGM0MzEzODJhZWI4NDNlZDU1OGFkNjFiMQ")
	if !known || key.Algorithm() != token.RS256 || len(keys.Skipped()) != 0 {
		t.Fatalf("found %v, algorithm %s, skipped %+v", known, key.Algorithm(), keys.Skipped())
	}
	again := usable(t, []byte(text(t, keys)), 1)
	same, _ := again.Lookup(key.ID())
	if same.Thumbprint() != key.Thumbprint() || strings.Contains(text(t, keys), "=") {
		t.Errorf("the key changed on its way through %s", text(t, keys))
	}
}

// A key without alg is for the algorithm of its type: Microsoft's sets, among others, have none.
func TestKeyWithoutAlgorithm(t *testing.T) {
	for _, algorithm := range []token.Algorithm{token.ES256, token.ES384, token.EdDSA, token.RS256} {
		key := newWorld(t, algorithm).key.Public()
		keys := usable(t, set(member(t, key, object{"alg": drop{}, "use": drop{}})), 1)
		if got, _ := keys.Lookup(key.ID()); got.Algorithm() != algorithm {
			t.Errorf("is for %q, want %q", got.Algorithm(), algorithm)
		}
	}
}

// The examples of RFC 7638 section 3.1 and RFC 8037 appendix A.3.
func TestThumbprint(t *testing.T) {
	const modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	keys := usable(t, set(`{"kty":"RSA","n":"`+modulus+`","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`,
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"ed"}`), 2)
	for kid, want := range map[string]string{"2011-04-29": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "ed": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"} {
		if key, _ := keys.Lookup(kid); key.Thumbprint() != want {
			t.Errorf("%s: thumbprint %s, want %s", kid, key.Thumbprint(), want)
		}
	}
}
