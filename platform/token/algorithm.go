package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// Algorithm is a JWS algorithm by its registered name (RFC 7518 section 3.1, RFC 8037). There are only those with a
// public key: none and the HMAC family have no value here, so nothing can choose them.
type Algorithm string

// The algorithms, the ones for tokens of our own first.
const (
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	ES384 Algorithm = "ES384"
)

// codecs has the codec of every algorithm. They are named here one by one, and never looked up by a name in a token: the
// library's table has none and HMAC in it, and can be changed by anyone.
var codecs = map[Algorithm]jwt.SigningMethod{
	ES256: jwt.SigningMethodES256,
	ES384: jwt.SigningMethodES384,
	EdDSA: jwt.SigningMethodEdDSA,
	RS256: jwt.SigningMethodRS256,
	RS384: jwt.SigningMethodRS384,
	RS512: jwt.SigningMethodRS512,
	PS256: pss(PS256, crypto.SHA256),
	PS384: pss(PS384, crypto.SHA384),
	PS512: pss(PS512, crypto.SHA512),
}

// curves has the curve of every ECDSA algorithm (RFC 7518 section 3.4).
var curves = map[Algorithm]elliptic.Curve{ES256: elliptic.P256(), ES384: elliptic.P384()}

// pss is RSASSA-PSS with a salt as long as the hash (RFC 7518 section 3.5); the library's own verifies any length.
func pss(name Algorithm, hash crypto.Hash) jwt.SigningMethod {
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: &jwt.SigningMethodRSA{Name: string(name), Hash: hash}, Options: options, VerifyOptions: options}
}

// Known reports whether the algorithm is on the list; the comparison is exact, as RFC 7515 section 4.1.1 wants it.
func (a Algorithm) Known() bool { return codecs[a] != nil }

// fits says whether the algorithm can be used with this public key, and if not, why.
func (a Algorithm) fits(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != nil && key.Curve == curves[a] {
			return nil
		}
	case *rsa.PublicKey:
		switch a {
		case RS256, RS384, RS512, PS256, PS384, PS512:
			return checkRSA(key)
		}
	case ed25519.PublicKey:
		if a == EdDSA && len(key) == ed25519.PublicKeySize {
			return nil
		}
	}
	return fmt.Errorf("the algorithm %s is not one for this type of key", quoted(string(a)))
}

const (
	minRSABits     = 2048  // RFC 7518 section 3.3
	maxRSABits     = 8192  // verification time grows with the square of it; nobody publishes more
	minRSAExponent = 65537 // FIPS 186-5 section A.1.1; smaller ones have a history of forgeries
)

func checkRSA(key *rsa.PublicKey) error {
	switch bits := key.N.BitLen(); {
	case bits < minRSABits:
		return fmt.Errorf("an RSA key of %d bits is too short; at least %d are required", bits, minRSABits)
	case bits > maxRSABits:
		return fmt.Errorf("an RSA key of %d bits is too long; at most %d are accepted", bits, maxRSABits)
	case key.N.Bit(0) == 0:
		return fmt.Errorf("the RSA modulus is even")
	case key.E < minRSAExponent || key.E%2 == 0:
		return fmt.Errorf("the RSA exponent must be odd and at least %d", minRSAExponent)
	}
	return nil
}

// signatureLength is the one length in bytes that a signature by this key has: RFC 7518 sections 3.3 to 3.5 (the
// modulus; twice the coordinate), RFC 8032 section 5.1.6.
func signatureLength(public crypto.PublicKey) int {
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		return 2 * ((key.Curve.Params().BitSize + 7) / 8)
	case *rsa.PublicKey:
		return key.Size()
	case ed25519.PublicKey:
		return ed25519.SignatureSize
	}
	return -1
}
