package systemtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"oms/platform/token"
)

// RFC 8725 section 2.1, CVE-2015-9235.
func TestTokenWithAlgNone(t *testing.T) {
	f := newTokenForger(open(t))
	f.expectAccepted(f.signedBySTS(f.header, f.claims))
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "none ", "", nil, 0, []string{"ES256"}} {
		text := encodeSegment(f.header.with(claims{"alg": alg})) + "." + encodeSegment(f.claims)
		f.expectRefused("no signature", text+".")
		f.expectRefused("no third segment", text)
		f.expectRefused("any signature", text+".AAAA")
		f.expectRefused("the real signature", signSegments(f.key, text))
	}
}

// RFC 8725 section 2.1, CVE-2016-10555: the public key as the secret of an HMAC.
func TestTokenWithKeyConfusion(t *testing.T) {
	f := newTokenForger(open(t))
	f.expectAccepted(f.signedBySTS(f.header, f.claims))
	published := f.expect(f.do("GET", "/oauth2/jwks"), 200).Body
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal([]byte(published), &set); err != nil || len(set.Keys) == 0 {
		t.Fatal(err, published)
	}
	for _, secret := range []string{published, string(set.Keys[0]), f.key.ID(), ""} {
		text := encodeSegment(f.header.with(claims{"alg": "HS256"})) + "." + encodeSegment(f.claims)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(text))
		f.expectRefused("HS256", text+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
	}
	for _, alg := range []string{"ES384", "ES256K", "RS256", "PS256", "EdDSA", "es256"} {
		f.expectRefused(alg, f.signedBySTS(f.header.with(claims{"alg": alg}), f.claims))
	}
}

// RFC 7515 section 5.2, CVE-2022-21449 (the signature of zeros).
func TestTokenTampered(t *testing.T) {
	f := newTokenForger(open(t))
	good := f.signedBySTS(f.header, f.claims)
	f.expectAccepted(good)
	parts := strings.Split(good, ".")
	zeros := base64.RawURLEncoding.EncodeToString(make([]byte, 64))
	for name, raw := range map[string]string{
		"another subject":    parts[0] + "." + encodeSegment(f.claims.with(claims{"sub": "admin"})) + "." + parts[2],
		"another scope":      parts[0] + "." + encodeSegment(f.claims.with(claims{"scope": "add_order cancel_order"})) + "." + parts[2],
		"signature of zeros": parts[0] + "." + parts[1] + "." + zeros,
		"signature cut":      good[:len(good)-4],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"padding":            good + "=",
		"segments swapped":   parts[1] + "." + parts[0] + "." + parts[2],
		"four segments":      good + ".AAAA",
		"thousands of dots":  strings.Repeat(".", 10_000), // CVE-2025-30204
		"a key of one's own": signToken(newKey(t, token.ES256), f.header, f.claims),
		"too long":           f.signedBySTS(f.header, f.claims.with(claims{"x": strings.Repeat("x", 20_000)})),
		"JSON form":          `{"payload":"` + parts[1] + `"}`,
		"not a token":        "x",
		"twice":              good + " " + good,
		"comma":              good + "," + good,
	} {
		f.expectRefused(name, raw)
	}
}

// RFC 8725 section 3.10, CVE-2018-0114: the sender does not choose the key, and nothing is fetched for it.
func TestTokenThatBringsItsKey(t *testing.T) {
	f := newTokenForger(open(t))
	f.expectAccepted(f.signedBySTS(f.header, f.claims))
	fetched := make(chan string, 100)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fetched <- r.URL.Path }))
	defer elsewhere.Close()
	mine := newKey(t, token.ES256)
	for name, value := range map[string]any{"jwk": mine.Public(), "jku": elsewhere.URL, "x5u": elsewhere.URL, "x5c": []string{"AAAA"},
		"crit": []string{"exp"}, "b64": false, "zip": "DEF", "enc": "A256GCM", "p2c": 1 << 30} {
		f.expectRefused(name, signToken(mine, f.header.with(claims{"kid": mine.ID(), name: value}), f.claims))
		f.expectRefused(name+" under our key", f.signedBySTS(f.header.with(claims{name: value}), f.claims))
	}
	for _, kid := range []any{"", "x", "../../etc/passwd", "' OR '1'='1", "x\x00y", 7, nil, strings.Repeat("k", 300)} {
		f.expectRefused("kid", f.signedBySTS(f.header.with(claims{"kid": kid}), f.claims))
	}
	if len(fetched) > 0 {
		t.Errorf("fetched %s", <-fetched)
	}
	f.expect(f.do("GET", "/order", bearer(f.signedBySTS(f.header, f.claims))), 200) // known keys are unaffected
}

// RFC 7519 section 4.1.3, RFC 9068 section 4, RFC 8725 sections 3.8 to 3.11.
func TestTokenForAnotherAudienceIssuerOrOfAnotherType(t *testing.T) {
	f := newTokenForger(open(t))
	f.expectAccepted(f.signedBySTS(f.header, f.claims))
	public := f.config.Server.PublicURL
	for _, typ := range []any{"JWT", "jwt", "at+JWT2", "dpop+jwt", "logout+jwt", "txntoken+jwt", "it+jwt", "", nil, 1} {
		f.expectRefused("typ", f.signedBySTS(f.header.with(claims{"typ": typ}), f.claims))
	}
	for _, aud := range []any{nil, "", "x", public + "/", public[:len(public)-1], strings.ToUpper(public), "order", "spiffe://orders.local/order", []string{}, []string{"x"}, 1} {
		f.expectRefused("aud", f.signedBySTS(f.header, f.claims.with(claims{"aud": aud})))
	}
	for _, iss := range []any{nil, "", "x", public + "/", strings.ToUpper(public), "https://evil.example", []string{public}, 1} {
		f.expectRefused("iss", f.signedBySTS(f.header, f.claims.with(claims{"iss": iss})))
	}
	for _, sub := range []any{nil, "", 1, []string{"alice"}, "nobody", "ALICE", "alice\x00", "alice ", "x|alice", "client:alice", "' OR 1=1 --"} {
		f.expectRefused("sub", f.signedBySTS(f.header, f.claims.with(claims{"sub": sub})))
	}
	for _, missing := range []string{"jti", "client_id", "exp", "iat"} {
		f.expectRefused("no "+missing, f.signedBySTS(f.header, f.claims.with(claims{missing: nil})))
	}
	f.expect(f.do("GET", "/order", bearer(f.signedBySTS(f.header.with(claims{"typ": "application/at+jwt"}), f.claims.with(claims{"aud": []string{"x", public}})))), 200)
}

// RFC 7519 sections 4.1.4 to 4.1.6.
func TestTokenOutsideItsTime(t *testing.T) {
	f := newTokenForger(open(t))
	f.expectAccepted(f.signedBySTS(f.header, f.claims))
	now := time.Now().Unix()
	for name, change := range map[string]claims{
		"expired":             {"iat": now - 3600, "exp": now - 60},
		"not yet valid":       {"nbf": now + 300},
		"from the future":     {"iat": now + 300, "exp": now + 600},
		"lives too long":      {"exp": now + 25*3600},
		"forever":             {"exp": int64(1e18)},
		"milliseconds":        {"exp": now * 1000},
		"exp before iat":      {"exp": now - 5, "iat": now},
		"exp is text":         {"exp": "9999999999"},
		"exp is negative":     {"exp": -1},
		"iat is null":         {"iat": json.RawMessage("null")},
		"nbf is not a number": {"nbf": true},
	} {
		f.expectRefused(name, f.signedBySTS(f.header, f.claims.with(change)))
	}
}

// RFC 7519 section 4, RFC 8725 section 2.4: a member twice means one thing here and another there.
func TestTokenWithAmbiguousJSON(t *testing.T) {
	f := newTokenForger(open(t))
	f.expectAccepted(f.signedBySTS(f.header, f.claims))
	raw := func(header, payload string) string {
		return signSegments(f.key, base64.RawURLEncoding.EncodeToString([]byte(header))+"."+base64.RawURLEncoding.EncodeToString([]byte(payload)))
	}
	h, _ := json.Marshal(f.header)
	c, _ := json.Marshal(f.claims)
	header, payload := string(h), string(c)
	f.expectAccepted(raw(header, payload))
	for name, token := range map[string]string{
		"claim twice":            raw(header, `{"sub":"admin",`+payload[1:]),
		"claim in another case":  raw(header, `{"Sub":"admin",`+payload[1:]),
		"header twice":           raw(`{"alg":"none",`+header[1:], payload),
		"header in another case": raw(`{"Alg":"none",`+header[1:], payload),
		"two values":             raw(header, payload+"{}"),
		"invalid UTF-8":          raw(header, strings.Replace(payload, "alice", "al\xff", 1)),
		"an array":               raw(header, "["+payload+"]"),
		"deep":                   raw(header, strings.Repeat("[", 10_000)),
	} {
		f.expectRefused(name, token)
	}
}
