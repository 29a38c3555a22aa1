package token_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"oms/platform/token"
)

// The private half shows nowhere: not with any verb, not behind a pointer, in a struct or in an unexported field, not
// as JSON and not in a log.
func TestSigningKeyIsNeverShown(t *testing.T) {
	for _, algorithm := range []token.Algorithm{token.ES256, token.EdDSA, token.RS256} {
		w := newWorld(t, algorithm)
		var out bytes.Buffer
		type hidden struct{ inner token.SigningKey }
		type shown struct{ Key token.SigningKey }
		for _, value := range []any{w.key, &w.key, hidden{w.key}, &hidden{w.key}, shown{w.key}, []token.SigningKey{w.key}, map[string]any{"key": w.key}, map[string]*token.SigningKey{"key": &w.key}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%t", "%p", "%T", "%o", "%b", "%U", "%e"} {
				fmt.Fprintf(&out, verb+"\n", value)
			}
			for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				slog.New(handler).Info("signed", "value", value)
			}
			if data, err := json.Marshal(value); err == nil {
				out.Write(data)
			}
		}
		checkNothingPrivate(t, out.String(), w.private(t))
		if !strings.Contains(out.String(), w.key.ID()) {
			t.Error("the kid should show, to tell keys apart")
		}
	}
}

// checkNothingPrivate looks for parts of the private numbers, in the writings that fmt and the encoders have.
func checkNothingPrivate(t *testing.T, out string, private crypto.Signer) {
	t.Helper()
	var secrets [][]byte
	switch key := private.(type) {
	case *ecdsa.PrivateKey:
		scalar, err := key.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		secrets = [][]byte{scalar}
	case ed25519.PrivateKey:
		secrets = [][]byte{key.Seed()}
	case *rsa.PrivateKey:
		secrets = [][]byte{key.D.Bytes(), key.Primes[0].Bytes(), key.Primes[1].Bytes()}
	}
	for _, secret := range secrets {
		number := new(big.Int).SetBytes(secret)
		writings := []string{number.String(), strings.ToLower(number.Text(16)), base64.StdEncoding.EncodeToString(secret[:12]), base64.RawURLEncoding.EncodeToString(secret[:12])}
		for _, word := range number.Bits() { // as a big.Int looks from within
			writings = append(writings, fmt.Sprint(uint(word)), fmt.Sprintf("%x", uint(word)))
		}
		for at := 0; at+12 <= len(secret); at++ {
			part := secret[at : at+12]
			decimals := strings.Trim(fmt.Sprintf("%d", part), "[]")
			writings = append(writings, string(part), hex.EncodeToString(part), decimals, strings.ReplaceAll(decimals, " ", ", "))
		}
		lower := strings.ToLower(out)
		for _, writing := range writings {
			if strings.Contains(out, writing) || strings.Contains(lower, writing) {
				t.Fatalf("part of the private key shows as %q", writing)
			}
		}
	}
}

func TestSigningKeyRoundTrip(t *testing.T) {
	for _, algorithm := range []token.Algorithm{token.ES256, token.ES384, token.EdDSA, token.RS256} {
		w := newWorld(t, algorithm)
		der, err := w.key.MarshalPKCS8()
		if err != nil {
			t.Fatal(err)
		}
		again, err := token.ParseSigningKey(der, algorithm)
		if err != nil || again.ID() != w.key.ID() || again.Algorithm() != algorithm {
			t.Fatalf("%s: %v, %v", algorithm, again, err)
		}
		w.key = again
		w.accept(t, w.sign(t, "at+jwt", w.claims()))
		for _, other := range []token.Algorithm{token.ES256, token.ES384, token.EdDSA, token.RS256, "HS256", "none", ""} {
			if _, err := token.ParseSigningKey(der, other); (err == nil) != (other == algorithm) {
				t.Errorf("a key for %s read for %q: %v", algorithm, other, err)
			}
		}
		if _, err := token.ParseSigningKey(der[:len(der)-1], algorithm); err == nil {
			t.Error("a cut key must be refused")
		}
	}
}

func TestZeroSigningKey(t *testing.T) {
	var key token.SigningKey
	if _, err := token.Sign(key, "at+jwt", object{}); err == nil {
		t.Error("must not sign")
	}
	if _, err := key.MarshalPKCS8(); err == nil {
		t.Error("must not marshal")
	}
	if _, err := token.NewKeySet(key.Public()); err == nil {
		t.Error("must not be published")
	}
	if key.ID() != "" || key.String() != "SigningKey(none)" {
		t.Errorf("%q %q", key.ID(), key)
	}
	for _, algorithm := range []token.Algorithm{"", "none", "HS256", "es256", "ES512"} {
		if _, err := token.GenerateSigningKey(algorithm); err == nil {
			t.Errorf("a key for %q", algorithm)
		}
	}
}

// Sign makes no token that Verify could not read.
func TestSignRefuses(t *testing.T) {
	w := newWorld(t, token.EdDSA)
	for name, claims := range map[string]any{
		"null": nil, "array": []int{1}, "string": "x", "channel": make(chan int), "too long": object{"x": strings.Repeat("a", token.MaxLength)},
		"a member twice": json.RawMessage(`{"sub":"a","sub":"b"}`), "lone surrogate": json.RawMessage(`{"sub":"\ud800"}`),
	} {
		if raw, err := token.Sign(w.key, "at+jwt", claims); err == nil || raw != "" {
			t.Errorf("%s: must be refused", name)
		}
	}
	for _, typ := range []string{"", "a\n", "ü", strings.Repeat("a", 129)} {
		if _, err := token.Sign(w.key, typ, w.claims()); err == nil {
			t.Errorf("typ %q must be refused", typ)
		}
	}
}

// A name that begins with a hyphen would be taken for a flag where somebody gives it to a program.
func TestGeneratedKeysHaveNamesThatAreNoFlags(t *testing.T) {
	for range 500 {
		key, err := token.GenerateSigningKey(token.ES256)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(key.ID(), "-") {
			t.Fatalf("a key is named %s", key.ID())
		}
	}
}
