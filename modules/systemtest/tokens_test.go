package systemtest

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

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/secret"
	"oms/platform/token"
)

// exchangedToken is the token that a workload shows to a callee for a user who has brought subject.
func (d *deployment) exchangedToken(by, callee, kind, subject string) sts.Exchanged {
	d.Helper()
	return call[sts.Exchanged](d.callerWith("sts", d.certificateOf(by)), "sts.Exchange",
		sts.ExchangeRequest{SubjectToken: secret.Text(subject), SubjectTokenType: kind, Audience: d.identityOf(callee)})
}

func exchangeRequest(d *deployment, kind, subject, audience string) string {
	return `{"subject_token":"` + subject + `","subject_token_type":"` + kind + `","audience":"` + audience + `"}`
}

// tokenForger makes tokens, good and bad ones.
type tokenForger struct {
	*deployment
	key    token.SigningKey // the STS's own
	header claims
	claims claims // what the STS would sign for alice
}

func newTokenForger(d *deployment) *tokenForger {
	d.Helper()
	var private, algorithm string
	if err := d.store("sts").Read(d.Context(), func(tx database.Tx) error {
		return tx.QueryRow(`SELECT private, algorithm FROM keys WHERE purpose = 'tokens'`).Scan(&private, &algorithm)
	}); err != nil {
		d.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(private)
	if err != nil {
		d.Fatal(err)
	}
	key, err := token.ParseSigningKey(der, token.Algorithm(algorithm))
	if err != nil {
		d.Fatal(err)
	}
	now := time.Now()
	return &tokenForger{d, key,
		claims{"alg": algorithm, "kid": key.ID(), "typ": "at+jwt"},
		claims{
			"iss": d.config.Server.PublicURL, "aud": d.config.Server.PublicURL, "sub": "alice", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
			"jti": "1", "client_id": "operator", "scope": "add_order",
		},
	}
}

func encodeSegment(part any) string {
	text, err := json.Marshal(part)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// signToken signs a header and claims with an ECDSA key, whatever they say.
func signToken(key token.SigningKey, header, payload any) string {
	return signSegments(key, encodeSegment(header)+"."+encodeSegment(payload))
}

func signSegments(key token.SigningKey, text string) string {
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

// signedBySTS signs with the STS's key.
func (f *tokenForger) signedBySTS(header, payload claims) string {
	return signToken(f.key, header, payload)
}

func newKey(t testing.TB, algorithm token.Algorithm) token.SigningKey {
	t.Helper()
	key, err := token.GenerateSigningKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// expectAccepted fails the test unless the token places an order: what is refused below is refused for what was changed.
func (f *tokenForger) expectAccepted(raw string) {
	f.Helper()
	f.expect(f.do("POST", "/order", bearer(raw), body(orderBody("accepted"))), 201)
}

// expectRefused fails the test unless the token is invalid everywhere, also where none is needed, and has no effect.
func (f *tokenForger) expectRefused(name, raw string) {
	f.Helper()
	for _, got := range []Reply{
		f.do("POST", "/order", bearer(raw), body(orderBody("refused"))),
		f.do("GET", "/order", bearer(raw)),
		f.do("GET", "/inventory", bearer(raw)),
		f.doWith(f.http1, "GET", "/order/accepted", bearer(raw)),
	} {
		if got.Status != 401 || got.Body != "" || got.Header.Get("WWW-Authenticate") != invalidToken {
			f.Errorf("%s: %d %q %q", name, got.Status, got.Body, got.Header.Get("WWW-Authenticate"))
		}
	}
	f.expect(f.do("GET", "/order/refused"), 404)
}

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
