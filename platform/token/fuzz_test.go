package token_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"oms/platform/token"
)

// fixedWorld has the same key in every process, so that what the fuzzer keeps stays meaningful.
func fixedWorld(t testing.TB) (w world, valid string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize))))
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, token.EdDSA)
	if w.key, err = token.ParseSigningKey(der, token.EdDSA); err != nil {
		t.Fatal(err)
	}
	if w.keys, err = token.NewKeySet(w.key.Public()); err != nil {
		t.Fatal(err)
	}
	return w, w.sign(t, "at+jwt", w.claims())
}

// FuzzVerify: nothing panics, and the only texts that are accepted are the tokens that were signed. RSA PKCS #1 and
// Ed25519 are deterministic and not malleable, so this holds byte for byte.
func FuzzVerify(f *testing.F) {
	w, valid := fixedWorld(f)
	admin, articleKeys, articleIssuer := article(f, "admin.jwt")
	counter, _, _ := article(f, "counter.jwt")
	w.accept(f, valid)
	for _, seed := range []string{valid, admin, counter, "", "..", "e30.e30.", valid + ".", strings.ReplaceAll(valid, ".", ".\n")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if claims, err := w.issuer.Verify(raw, w.keys, now); err == nil && raw != valid {
			t.Fatalf("accepted %q", raw)
		} else if err != nil {
			checkRefusal(t, raw, claims, err, token.ReasonOf(err))
		}
		if _, err := articleIssuer.Verify(raw, articleKeys, now); err == nil && raw != admin && raw != counter {
			t.Fatalf("accepted %q", raw)
		}
		_, _ = token.Peek(raw)
	})
}

// FuzzClaims signs any text as header and claims: nothing panics behind the signature either, and what is accepted
// says what the issuer demands.
func FuzzClaims(f *testing.F) {
	w, _ := fixedWorld(f)
	header := text(f, w.header())
	f.Add(header, text(f, w.claims()))
	f.Add(header, `{"iss":null,"aud":[[]],"exp":1e9,"scope":["a"]}`)
	f.Fuzz(func(t *testing.T, header, claims string) {
		raw := w.forge(t, header, claims)
		got, err := w.issuer.Verify(raw, w.keys, now)
		if err != nil {
			checkRefusal(t, raw, got, err, token.ReasonOf(err))
			return
		}
		if got.Issuer != w.issuer.Name || got.Subject == "" || got.Type != "at+jwt" || got.ID == "" || !got.Expires.After(now.Add(-leeway)) {
			t.Fatalf("accepted %+v", got)
		}
		if peeked, err := token.Peek(raw); err != nil || peeked.Issuer != w.issuer.Name || peeked.Header.KeyID != w.key.ID() {
			t.Fatalf("Verify accepts what Peek reads as %+v, %q, %v", peeked.Header, peeked.Issuer, err)
		}
	})
}

// FuzzParseKeySet: nothing panics, and every key of an accepted set survives being published again.
func FuzzParseKeySet(f *testing.F) {
	w, _ := fixedWorld(f)
	f.Add([]byte(text(f, w.keys)))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"","y":""},{"kty":"RSA","kid":"b","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := token.ParseKeySet(data)
		if err != nil {
			return
		}
		again, err := token.ParseKeySet([]byte(text(t, keys)))
		if err != nil || again.Len() != keys.Len() || len(again.Skipped()) != 0 {
			t.Fatalf("published again: %v", err)
		}
	})
}

// FuzzPeek: what is read of a token before its signature is judged is what golang-jwt and encoding/json read of it, and
// no member of the header chooses a key or an algorithm that is not known.
func FuzzPeek(f *testing.F) {
	w, _ := fixedWorld(f)
	f.Add(text(f, w.header()), text(f, w.claims()))
	for _, header := range []string{
		`{"alg":"none","kid":"a"}`, `{"alg":"HS256","kid":"a"}`, `{"alg":"ES256","kid":"../../key"}`, `{"alg":"ES256","kid":"a","jwk":{}}`, `{"alg":"ES256","kid":"a","crit":["b64"],"b64":false}`,
		`{"alg":"ES256","alg":"none","kid":"a"}`, `{"alg":"ES256","ALG":"none","kid":"a"}`, `{"alg":"ES256","kid":1}`, `{"alg":"ES256","kid":"a","typ":"application/AT+JWT"}`, `{"alg":"ES256","kid":"\u0000"}`,
	} {
		f.Add(header, `{"iss":"https://issuer.example"}`)
	}
	parser := jwt.NewParser()
	f.Fuzz(func(t *testing.T, header, claims string) {
		encode := base64.RawURLEncoding.EncodeToString
		raw := encode([]byte(header)) + "." + encode([]byte(claims)) + ".AAAA"
		peeked, err := token.Peek(raw)
		if err != nil {
			checkRefusal(t, raw, token.Claims{}, err, token.ReasonOf(err))
			return
		}
		theirs, _, err := parser.ParseUnverified(raw, jwt.MapClaims{})
		if err != nil {
			t.Fatalf("golang-jwt refuses it: %v", err)
		}
		issuer, _ := theirs.Claims.(jwt.MapClaims)["iss"].(string)
		if string(peeked.Header.Algorithm) != theirs.Method.Alg() || theirs.Header["kid"] != peeked.Header.KeyID || issuer != peeked.Issuer {
			t.Fatalf("%+v of %q, and golang-jwt reads %v of %q", peeked.Header, peeked.Issuer, theirs.Header, issuer)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal([]byte(header), &members); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip"} {
			if _, there := members[name]; there {
				t.Fatalf("a header with %s", name)
			}
		}
	})
}
