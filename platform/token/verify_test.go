package token_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"oms/platform/token"
)

func article(t testing.TB, file string) (raw string, keys *token.KeySet, issuer token.Issuer) {
	t.Helper()
	jwt, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := os.ReadFile("testdata/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	if keys, err = token.ParseKeySet(jwks); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(jwt)), keys, token.Issuer{
		Name: "wso2", Audience: "ballerina", Algorithms: []token.Algorithm{token.RS256}, Types: []string{"JWT"}, MaxLifetime: 87600 * time.Hour,
	}
}

// The two tokens of the article: scope is an array in one and a string in the other.
func TestVerifyTheArticlesTokens(t *testing.T) {
	for file, want := range map[string]token.Claims{
		"admin.jwt": {
			Issuer: "wso2", Subject: "admin", Audience: []string{"ballerina"}, ID: "d1b863e6757c4f2eb5b237b29fda8fae", Type: "jwt",
			Scopes:  []string{"add_order", "update_order", "cancel_order"},
			Expires: time.Unix(1945236599, 0), NotBefore: time.Unix(1629876599, 0), IssuedAt: time.Unix(1629876599, 0),
		},
		"counter.jwt": {
			Issuer: "wso2", Subject: "counter", Audience: []string{"ballerina"}, ID: "f5aded50585c46f2b8ca233d0c2a3c9d", Type: "jwt",
			Scopes:  []string{"add_order"},
			Expires: time.Unix(1945238894, 0), NotBefore: time.Unix(1629878894, 0), IssuedAt: time.Unix(1629878894, 0),
		},
	} {
		raw, keys, issuer := article(t, file)
		got, err := issuer.Verify(raw, keys, now)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if difference := cmp.Diff(want, got, cmpopts.IgnoreUnexported(token.Claims{})); difference != "" {
			t.Errorf("%s (-want +got):\n%s", file, difference)
		}
		peeked, err := token.Peek(raw)
		if err != nil || peeked.Issuer != "wso2" || peeked.Header.Algorithm != token.RS256 || peeked.Header.Type != "jwt" {
			t.Errorf("%s: peeked %+v, %q, %v", file, peeked.Header, peeked.Issuer, err)
		}
		again, err := issuer.VerifyPeeked(peeked, keys, now)
		if difference := cmp.Diff(want, again, cmpopts.IgnoreUnexported(token.Claims{})); err != nil || difference != "" {
			t.Errorf("%s, peeked at: %v (-want +got):\n%s", file, err, difference)
		}
		for _, moment := range []time.Time{time.Unix(1629876599-1, 0), time.Unix(1945238894, 0), {}} {
			if _, err := issuer.Verify(raw, keys, moment); err == nil {
				t.Errorf("%s: must not be accepted at %s", file, moment)
			}
		}
	}
}

// Every algorithm signs what it verifies, and a published key is the key that signed.
func TestSignAndVerify(t *testing.T) {
	for _, algorithm := range []token.Algorithm{
		token.ES256, token.ES384, token.EdDSA, token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512,
	} {
		w := newWorld(t, algorithm)
		published, err := token.ParseKeySet([]byte(text(t, w.keys)))
		if err != nil {
			t.Fatal(algorithm, err)
		}
		w.keys = published
		got := w.accept(t, w.sign(t, "at+jwt", w.claims()))
		want := token.Claims{
			Issuer: w.issuer.Name, Subject: "alice", Audience: []string{w.issuer.Audience}, ID: "01JGK3E8M4", ClientID: "shop", Type: "at+jwt",
			Scopes: []string{"add_order", "view_orders"}, IssuedAt: now, NotBefore: now, Expires: now.Add(5 * time.Minute),
		}
		if difference := cmp.Diff(want, got, cmpopts.IgnoreUnexported(token.Claims{})); difference != "" {
			t.Errorf("%s (-want +got):\n%s", algorithm, difference)
		}
	}
}

// An issuer that does not say everything accepts nothing.
func TestIncompleteIssuerAcceptsNothing(t *testing.T) {
	w := proven(t, token.ES256)
	raw := w.signed(t, w.header(), w.claims())
	for name, forget := range map[string]func(*token.Issuer){
		"everything": func(i *token.Issuer) { *i = token.Issuer{} },
		"name":       func(i *token.Issuer) { i.Name = "" },
		"audience":   func(i *token.Issuer) { i.Audience = "" },
		"algorithms": func(i *token.Issuer) { i.Algorithms = nil },
		"none":       func(i *token.Issuer) { i.Algorithms = append(slices.Clone(i.Algorithms), "none") },
		"types":      func(i *token.Issuer) { i.Types = nil },
		"bad type":   func(i *token.Issuer) { i.Types = []string{"at+jwt", "a\n"} },
		"lifetime":   func(i *token.Issuer) { i.MaxLifetime = 0 },
		"negative":   func(i *token.Issuer) { i.Leeway = -1 },
		"leeway":     func(i *token.Issuer) { i.Leeway = token.MaxLeeway + 1 },
		"require":    func(i *token.Issuer) { i.Require = []string{""} },
	} {
		broken := w
		forget(&broken.issuer)
		if broken.issuer.Check() == nil {
			t.Errorf("without %s: Check must complain", name)
		}
		broken.refuse(t, raw, token.ReasonMisconfigured)
	}
	if err := (token.Issuer{}).Check(); err == nil || strings.Count(err.Error(), ";") < 4 {
		t.Errorf("everything that is missing must be named at once: %v", err)
	}
}

// What NumericDate writes, Verify reads, to the nanosecond.
func TestNumericDate(t *testing.T) {
	w := proven(t, token.EdDSA)
	rapid.Check(t, func(r *rapid.T) {
		issued := now.Add(-time.Duration(rapid.Int64Range(0, int64(4*time.Minute)).Draw(r, "age")))
		raw, err := token.Sign(w.key, "at+jwt", with(with(w.claims(), "iat", token.NumericDate(issued)), "exp", token.NumericDate(issued.Add(5*time.Minute))))
		if err != nil {
			r.Fatal(err)
		}
		claims, err := w.issuer.Verify(raw, w.keys, now)
		if err != nil || !claims.IssuedAt.Equal(issued) {
			r.Fatalf("issued %s, read %s, %v", issued, claims.IssuedAt, err)
		}
	})
}

// Dates with an exponent are numbers too (RFC 8259 section 6).
func TestDateWithExponent(t *testing.T) {
	w := proven(t, token.EdDSA)
	claims := text(t, with(w.claims(), "iat", drop{}))
	if got := w.accept(t, w.forge(t, text(t, w.header()), insert(claims, `"iat":1.8935534450e9`))).IssuedAt; !got.Equal(now) {
		t.Errorf("read as %s, want %s", got, now)
	}
}
