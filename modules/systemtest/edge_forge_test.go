package systemtest_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"
	"time"

	"oms/platform/database"
	"oms/platform/token"
)

// claims are a token's claims, or its header.
type claims map[string]any

// with is a copy with some members set, or left out where the value is nil.
func (c claims) with(changes claims) claims {
	changed := maps.Clone(c)
	for name, value := range changes {
		if changed[name] = value; value == nil {
			delete(changed, name)
		}
	}
	return changed
}

// forge makes tokens, good and bad ones.
type forge struct {
	*edge
	key    token.SigningKey // the STS's own
	header claims
	claims claims // what the STS would sign for alice
}

func newForge(e *edge) *forge {
	e.Helper()
	var private, algorithm string
	if err := e.store("sts").Read(e.Context(), func(tx database.Tx) error {
		return tx.QueryRow(`SELECT private, algorithm FROM keys WHERE purpose = 'tokens'`).Scan(&private, &algorithm)
	}); err != nil {
		e.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(private)
	if err != nil {
		e.Fatal(err)
	}
	key, err := token.ParseSigningKey(der, token.Algorithm(algorithm))
	if err != nil {
		e.Fatal(err)
	}
	now := time.Now()
	return &forge{e, key,
		claims{"alg": algorithm, "kid": key.ID(), "typ": "at+jwt"},
		claims{
			"iss": e.config.Server.PublicURL, "aud": e.config.Server.PublicURL, "sub": "alice", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
			"jti": "1", "client_id": "operator", "scope": "add_order",
		},
	}
}

func segment(part any) string {
	text, err := json.Marshal(part)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// sign signs a header and claims with an ECDSA key, whatever they say.
func sign(key token.SigningKey, header, payload any) string {
	return signText(key, segment(header)+"."+segment(payload))
}

func signText(key token.SigningKey, text string) string {
	der, err := key.MarshalPKCS8()
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		panic(err)
	}
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, parsed.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		panic(err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature[:])
}

// own signs with the STS's key.
func (f *forge) own(header, payload claims) string { return sign(f.key, header, payload) }

func newKey(t testing.TB, algorithm token.Algorithm) token.SigningKey {
	t.Helper()
	key, err := token.GenerateSigningKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// accepted fails the test unless the token places an order: what is refused below is refused for what was changed.
func (f *forge) accepted(raw string) {
	f.Helper()
	f.wants(f.do("POST", "/order", bearer(raw), body(anOrder("accepted"))), 201)
}

// refused fails the test unless the token is invalid everywhere, also where none is needed, and has no effect.
func (f *forge) refused(name, raw string) {
	f.Helper()
	for _, got := range []reply{
		f.do("POST", "/order", bearer(raw), body(anOrder("refused"))),
		f.do("GET", "/order", bearer(raw)),
		f.do("GET", "/inventory", bearer(raw)),
		f.doWith(f.old, "GET", "/order/accepted", bearer(raw)),
	} {
		if got.status != 401 || got.body != "" || got.header.Get("WWW-Authenticate") != invalidToken {
			f.Errorf("%s: %d %q %q", name, got.status, got.body, got.header.Get("WWW-Authenticate"))
		}
	}
	f.wants(f.do("GET", "/order/refused"), 404)
}
