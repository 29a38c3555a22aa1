package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
)

// Key is a public key for exactly one algorithm, under the name by which tokens refer to it. It is immutable and safe
// for concurrent use. It marshals to a JWK (RFC 7517 section 4).
type Key struct {
	id        string
	algorithm Algorithm
	public    crypto.PublicKey
}

// ID is the kid.
func (k Key) ID() string { return k.id }

// Algorithm is the one algorithm that the key is for.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// Public is the *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey, which must not be changed.
func (k Key) Public() crypto.PublicKey { return k.public }

func (k Key) equal(other Key) bool {
	public, comparing := k.public.(interface{ Equal(crypto.PublicKey) bool }) // as all of the three are
	return k.id == other.id && k.algorithm == other.algorithm && comparing && public.Equal(other.public)
}

// jwk is the form of a public key on the wire. The order of its members is the order of their names, so that those
// that are required make the input of a thumbprint (RFC 7638 section 3.2).
type jwk struct {
	Alg string `json:"alg,omitempty"`
	Crv string `json:"crv,omitempty"`
	E   string `json:"e,omitempty"`
	Kid string `json:"kid,omitempty"`
	Kty string `json:"kty"`
	N   string `json:"n,omitempty"`
	Use string `json:"use,omitempty"`
	X   string `json:"x,omitempty"`
	Y   string `json:"y,omitempty"`
}

// required has the required members of the key's type only.
func (k Key) required() jwk {
	encode := base64.RawURLEncoding.EncodeToString
	switch public := k.public.(type) {
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, then the coordinates at full length
		if err != nil {
			return jwk{}
		}
		size := len(point) / 2
		return jwk{Kty: "EC", Crv: public.Curve.Params().Name, X: encode(point[1 : 1+size]), Y: encode(point[1+size:])}
	case *rsa.PublicKey:
		return jwk{Kty: "RSA", N: encode(public.N.Bytes()), E: encode(big.NewInt(int64(public.E)).Bytes())}
	case ed25519.PublicKey:
		return jwk{Kty: "OKP", Crv: "Ed25519", X: encode(public)}
	}
	return jwk{}
}

// MarshalJSON is the key as a JWK with kid, alg and use.
func (k Key) MarshalJSON() ([]byte, error) {
	out := k.required()
	out.Kid, out.Alg, out.Use = k.id, string(k.algorithm), "sig"
	return json.Marshal(out)
}

// Thumbprint is the SHA-256 thumbprint of RFC 7638 (RFC 8037 section 2 for Ed25519), in base64url.
func (k Key) Thumbprint() string {
	canonical, err := json.Marshal(k.required())
	if err != nil { // nine strings always have a JSON form
		return ""
	}
	sum := sha256.Sum256(canonical)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
