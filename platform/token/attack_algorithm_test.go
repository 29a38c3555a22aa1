package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"oms/platform/token"
)

// CVE-2018-1000531, CVE-2022-23540, RFC 8725 section 3.2: alg none, in every spelling, with every signature.
func TestAttackAlgorithmNone(t *testing.T) {
	w := proven(t, token.ES256)
	whole := w.signed(t, w.header(), w.claims())
	holding := strings.Split(whole, ".")[2]
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "nonE", "none ", " none", "none\x00", "n\u043ene", "", nil, false, 0, []string{"none"}, drop{}} {
		header := with(w.header(), "alg", alg)
		unsigned := encode(text(t, header)) + "." + encode(text(t, w.claims())) + "."
		w.refuse(t, unsigned, token.ReasonAlgorithm)
		w.refuse(t, unsigned+holding, token.ReasonAlgorithm)
		w.refuse(t, w.signed(t, header, w.claims()), token.ReasonAlgorithm)
	}
	unsigned := strings.TrimSuffix(whole, holding)
	w.refuse(t, unsigned, token.ReasonSignature) // the right alg, and an empty signature
	w.refuse(t, strings.TrimSuffix(unsigned, "."), token.ReasonMalformed)
}

// CVE-2015-9235, CVE-2016-5431, CVE-2016-10555, RFC 8725 section 2.1: HMAC keyed with what everybody knows, the public key.
func TestAttackHMACWithPublicKey(t *testing.T) {
	for _, algorithm := range []token.Algorithm{token.ES256, token.RS256, token.EdDSA} {
		w := proven(t, algorithm)
		// Even an issuer that was configured with HMAC accepts nothing.
		lax := w
		lax.issuer.Algorithms = append(lax.issuer.Algorithms, "HS256", "HS384", "HS512")
		for name, secret := range publicEncodings(t, w.key.Public()) {
			for _, hmac := range []*jwt.SigningMethodHMAC{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
				signedText := encode(text(t, with(w.header(), "alg", hmac.Alg()))) + "." + encode(text(t, w.claims()))
				signature, err := hmac.Sign(signedText, secret)
				if err != nil {
					t.Fatal(name, err)
				}
				raw := signedText + "." + encode(string(signature))
				w.refuse(t, raw, token.ReasonAlgorithm)
				lax.refuse(t, raw, token.ReasonMisconfigured)
			}
			// The same with the alg of the key: then the signature has a wrong length or does not hold.
			signedText := encode(text(t, w.header())) + "." + encode(text(t, w.claims()))
			signature, _ := jwt.SigningMethodHS512.Sign(signedText, secret)
			w.refuse(t, signedText+"."+encode(string(signature)), token.ReasonSignature)
		}
	}
}

// publicEncodings are the texts that a careless verifier may use as an HMAC secret.
func publicEncodings(t *testing.T, key token.Key) map[string][]byte {
	t.Helper()
	pkix, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})
	all := map[string][]byte{
		"PKIX DER": pkix, "PKIX PEM": inPEM, "PEM without its last newline": []byte(strings.TrimSpace(string(inPEM))),
		"PEM with CRLF": []byte(strings.ReplaceAll(string(inPEM), "\n", "\r\n")), "base64 DER": []byte(base64.StdEncoding.EncodeToString(pkix)),
		"JWK": jwk, "kid": []byte(key.ID()), "thumbprint": []byte(key.Thumbprint()), "empty": {},
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		pkcs1 := x509.MarshalPKCS1PublicKey(public)
		all["PKCS #1 DER"], all["modulus"] = pkcs1, public.N.Bytes()
		all["PKCS #1 PEM"] = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1})
		all["modulus in base64url"] = []byte(encode(string(public.N.Bytes())))
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		all["point"], all["x"], all["y"] = point, point[1:33], point[33:]
	case ed25519.PublicKey:
		all["point"] = public
	}
	return all
}

// RFC 8725 section 3.1: another algorithm under the same kid, made with the same private key and accepted from this
// issuer for its other keys.
func TestAttackOtherAlgorithmSameKid(t *testing.T) {
	w := proven(t, token.RS256)
	w.issuer.Algorithms = []token.Algorithm{token.RS256, token.RS384, token.RS512, token.PS256, token.PS384, token.PS512, token.ES256, token.EdDSA}
	w.accept(t, w.signed(t, w.header(), w.claims()))
	for _, other := range w.issuer.Algorithms[1:6] {
		signedText := encode(text(t, with(w.header(), "alg", string(other)))) + "." + encode(text(t, w.claims()))
		signature, err := method(t, other).Sign(signedText, w.private(t))
		if err != nil {
			t.Fatal(err)
		}
		w.refuse(t, signedText+"."+encode(string(signature)), token.ReasonAlgorithm)
	}
	for _, algorithm := range []token.Algorithm{token.ES256, token.EdDSA} { // a key of the attacker's own, under that kid
		attacker := newWorld(t, algorithm)
		w.refuse(t, attacker.signed(t, with(attacker.header(), "kid", w.key.ID()), w.claims()), token.ReasonAlgorithm)
	}
}

// RFC 8725 section 3.1: a good key and signature, by an algorithm that is not accepted from this issuer.
func TestAttackAlgorithmNotOfTheIssuer(t *testing.T) {
	w := proven(t, token.ES256)
	raw := w.signed(t, w.header(), w.claims())
	w.issuer.Algorithms = []token.Algorithm{token.RS256, token.EdDSA}
	w.refuse(t, raw, token.ReasonAlgorithm)
	for _, spelling := range []string{"es256", "ES256 ", "Es256", "ES256\n", "ES256K"} {
		w.issuer.Algorithms = []token.Algorithm{token.ES256}
		w.refuse(t, w.signed(t, with(w.header(), "alg", spelling), w.claims()), token.ReasonAlgorithm)
	}
}

// CVE-2018-0114, RFC 8725 section 3.10: the token brings its own key, or says where to fetch it. The signature by that
// key holds; with the header member but signed by the true key, the token is refused as well.
func TestAttackKeyInHeader(t *testing.T) {
	w := proven(t, token.ES256)
	attacker := newWorld(t, token.ES256)
	jwk := json.RawMessage(text(t, attacker.key.Public()))
	for name, value := range map[string]any{
		"jwk": jwk, "jku": "https://attacker.example/jwks.json", "x5u": "https://attacker.example/cert.pem",
		"x5c": []string{"MIIB"},
	} {
		for _, kid := range []string{w.key.ID(), attacker.key.ID()} {
			header := with(with(w.header(), name, value), "kid", kid)
			w.refuse(t, attacker.signed(t, header, w.claims()), token.ReasonHeader)
			w.refuse(t, w.signed(t, header, w.claims()), token.ReasonHeader)
		}
		w.refuse(t, w.signed(t, with(w.header(), name, nil), w.claims()), token.ReasonHeader)
	}
	// A thumbprint chooses no key; issuers send it, and it is ignored.
	w.accept(t, w.signed(t, with(w.header(), "x5t", "dGVzdA"), w.claims()))
}

// RFC 7515 section 5.2: a signature by another key, of another token, truncated, extended, of zeros (CVE-2022-21449)
// and in ASN.1.
func TestAttackSignature(t *testing.T) {
	for _, algorithm := range []token.Algorithm{token.ES256, token.ES384, token.EdDSA, token.RS256, token.PS256} {
		w := proven(t, algorithm)
		attacker := newWorld(t, algorithm)
		w.refuse(t, attacker.signed(t, w.header(), w.claims()), token.ReasonSignature)
		parts := strings.Split(w.signed(t, w.header(), w.claims()), ".")
		signature := decode(t, parts[2])
		other := strings.Split(w.signed(t, w.header(), with(w.claims(), "sub", "bob")), ".")
		for _, bad := range []string{
			"", signature[1:], signature[:len(signature)-1], signature + "\x00", "\x00" + signature, signature + signature,
			strings.Repeat("\x00", len(signature)), strings.Repeat("\xff", len(signature)), decode(t, other[2]), inASN1(t, w),
		} {
			w.refuse(t, parts[0]+"."+parts[1]+"."+encode(bad), token.ReasonSignature)
		}
	}
}

// RFC 7518 section 3.5: the salt of RSASSA-PSS is as long as the hash, not whatever the signer likes.
func TestAttackPSSSaltLength(t *testing.T) {
	w := proven(t, token.PS256)
	signedText := encode(text(t, w.header())) + "." + encode(text(t, w.claims()))
	for _, salt := range []int{rsa.PSSSaltLengthEqualsHash, 0, 20, rsa.PSSSaltLengthAuto} {
		short := &jwt.SigningMethodRSAPSS{SigningMethodRSA: jwt.SigningMethodPS256.SigningMethodRSA, Options: &rsa.PSSOptions{SaltLength: salt}}
		signature, err := short.Sign(signedText, w.private(t))
		if err != nil {
			t.Fatal(err)
		}
		raw := signedText + "." + encode(string(signature))
		if salt == rsa.PSSSaltLengthEqualsHash {
			w.accept(t, raw)
		} else {
			w.refuse(t, raw, token.ReasonSignature)
		}
	}
}

// inASN1 is a signature as TLS writes it, not as RFC 7518 section 3.4 does.
func inASN1(t *testing.T, w world) string {
	t.Helper()
	private, ok := w.private(t).(*ecdsa.PrivateKey)
	if !ok {
		return "not ECDSA"
	}
	hash := crypto.SHA256
	if w.key.Algorithm() == token.ES384 {
		hash = crypto.SHA384
	}
	sum := hash.New()
	sum.Write([]byte(encode(text(t, w.header())) + "." + encode(text(t, w.claims()))))
	signature, err := private.Sign(nil, sum.Sum(nil), hash)
	if err != nil {
		t.Fatal(err)
	}
	return string(signature)
}
