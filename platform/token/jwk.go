package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"oms/platform/strictjson"
)

// Key is a public key for exactly one algorithm, under the name by which tokens refer to it. It is immutable and safe
// for concurrent use. It marshals to a JWK (RFC 7517 section 4).
type Key struct {
	id        string
	algorithm Algorithm
	public    crypto.PublicKey // *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey
}

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

// parseKey reads one JWK as a key for verifying signatures, or says why it cannot be one.
func parseKey(item strictjson.Value) (Key, error) {
	if item.Kind() != strictjson.Object {
		return Key{}, fmt.Errorf("it is %s, not an object", item.Kind())
	}
	id := textOf(item, "kid")
	if !printable(id, maxKeyID) {
		return Key{}, errors.New("its kid is not a string of 1 to 256 printable ASCII characters")
	}
	if err := checkPurpose(item); err != nil {
		return Key{}, err
	}
	public, algorithm, err := parsePublic(item)
	if err != nil {
		return Key{}, err
	}
	if _, present := item.Get("alg"); present {
		algorithm = Algorithm(textOf(item, "alg"))
	}
	if err := algorithm.fits(public); err != nil {
		return Key{}, err
	}
	return Key{id: id, algorithm: algorithm, public: public}, nil
}

// checkPurpose reads use and key_ops (RFC 7517 sections 4.2 and 4.3), and refuses a private key: once published, it is
// everybody's.
func checkPurpose(item strictjson.Value) error {
	if _, present := item.Get("use"); present && textOf(item, "use") != "sig" {
		return errors.New("its use is not sig")
	}
	if operations, present := item.Get("key_ops"); present && !slices.Contains(textsOf(operations), "verify") {
		return errors.New("its key_ops do not have verify")
	}
	if _, present := item.Get("d"); present {
		return errors.New("it is a private key, which must never be published")
	}
	return nil
}

// parsePublic reads the members of the key's type (RFC 7518 section 6, RFC 8037 section 2). The algorithm is the one
// that the type stands for when the key has no alg.
func parsePublic(item strictjson.Value) (crypto.PublicKey, Algorithm, error) {
	kty, crv := textOf(item, "kty"), textOf(item, "crv")
	switch {
	case kty == "RSA":
		key, err := parseRSA(item)
		return key, RS256, err
	case kty == "EC" && crv == "P-256":
		key, err := parseEC(item, elliptic.P256())
		return key, ES256, err
	case kty == "EC" && crv == "P-384":
		key, err := parseEC(item, elliptic.P384())
		return key, ES384, err
	case kty == "OKP" && crv == "Ed25519":
		x, err := coordinate(item, "x", ed25519.PublicKeySize)
		return ed25519.PublicKey(x), EdDSA, err
	case kty == "EC" || kty == "OKP":
		return nil, "", fmt.Errorf("its curve is %s; P-256, P-384 and Ed25519 are supported", quoted(crv))
	}
	return nil, "", fmt.Errorf("its kty is %s; RSA, EC and OKP are supported", quoted(kty))
}

func parseRSA(item strictjson.Value) (*rsa.PublicKey, error) {
	n, err := bytesOf(item, "n")
	if err != nil {
		return nil, err
	}
	e, err := bytesOf(item, "e")
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() > 31 { // what crypto/rsa verifies with
		return nil, errors.New("its RSA exponent is longer than 31 bits")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

// parseEC refuses points that are not on the curve: RFC 8725 section 3.4, validate cryptographic inputs.
func parseEC(item strictjson.Value, curve elliptic.Curve) (*ecdsa.PublicKey, error) {
	size := (curve.Params().BitSize + 7) / 8
	x, err := coordinate(item, "x", size)
	if err != nil {
		return nil, err
	}
	y, err := coordinate(item, "y", size)
	if err != nil {
		return nil, err
	}
	point := append(append([]byte{4}, x...), y...) // SEC 1 section 2.3.3, uncompressed
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, errors.New("its point is not on the curve")
	}
	return key, nil
}

// coordinate is a member of exactly size bytes (RFC 7518 section 6.2.1.2).
func coordinate(item strictjson.Value, name string, size int) ([]byte, error) {
	value, err := bytesOf(item, name)
	if err == nil && len(value) != size {
		err = fmt.Errorf("its %s is not %d bytes long", name, size)
	}
	return value, err
}

// bytesOf is a member in base64url, with padding or without.
func bytesOf(item strictjson.Value, name string) ([]byte, error) {
	text := strings.TrimSuffix(strings.TrimSuffix(textOf(item, name), "="), "=")
	value, err := segmentCoding.DecodeString(text)
	if err != nil || len(value) == 0 || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("its %s is not base64url", name)
	}
	return value, nil
}

// KeySet is a set of public keys, each under a kid of its own. It is immutable and safe for concurrent use. A nil set
// and the zero value are empty. It marshals to a JWK Set (RFC 7517 section 5).
type KeySet struct {
	keys    []Key
	skipped map[int]error // why a key of the document is not used, by its index
}

// ParseKeySet reads a JWK Set. Keys that cannot be used here are skipped: symmetric and encryption keys, unknown curves, RSA
// below 2048 bits, private keys, and keys without a kid of their own. base64url with padding and leading zero bytes in n are
// tolerated, since published sets have them.
//
// It is an error, for people to read, when the document is not a JWK Set, is longer than [MaxKeySetLength], lists more
// than [MaxKeys] keys, or has no usable key. A caller that refetches keeps the old set then.
func ParseKeySet(data []byte) (*KeySet, error) {
	if len(data) > MaxKeySetLength {
		return nil, fmt.Errorf("the key set is longer than %d bytes", MaxKeySetLength)
	}
	document, err := strictjson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("the key set is not acceptable JSON: %w", err)
	}
	list, _ := document.Get("keys")
	if list.Kind() != strictjson.Array {
		return nil, errors.New(`the key set must be a JSON object with an array "keys" (RFC 7517 section 5)`)
	}
	if list.Len() > MaxKeys {
		return nil, fmt.Errorf("the key set lists %d keys; at most %d are accepted", list.Len(), MaxKeys)
	}
	if list.Len() == 0 {
		return nil, errors.New("the key set is empty")
	}
	s := &KeySet{skipped: map[int]error{}}
	for i, item := range list.Items() {
		key, err := parseKey(item)
		if err == nil {
			err = s.add(key)
		}
		if err != nil {
			s.skipped[i] = err
		}
	}
	if len(s.keys) == 0 {
		return nil, fmt.Errorf("the key set has no usable key; the first of %d is refused because %w", len(s.skipped), s.skipped[0])
	}
	return s, nil
}

// NewKeySet makes a set of these keys. Two of the same kid, or none at all, are an error.
func NewKeySet(keys ...Key) (*KeySet, error) {
	s := &KeySet{}
	for _, key := range keys {
		if err := key.algorithm.fits(key.public); err != nil {
			return nil, err
		}
		if err := s.add(key); err != nil {
			return nil, fmt.Errorf("key %s: %w", quoted(key.id), err)
		}
	}
	if len(s.keys) == 0 {
		return nil, errors.New("the key set is empty")
	}
	return s, nil
}

func (s *KeySet) add(key Key) error {
	if _, taken := s.Lookup(key.id); taken {
		return errors.New("an earlier key has the same kid")
	}
	s.keys = append(s.keys, key)
	return nil
}

// Lookup is the key with exactly this kid.
func (s *KeySet) Lookup(kid string) (Key, bool) {
	if s != nil {
		for _, key := range s.keys { // a few, so that this is faster than a map
			if key.id == kid {
				return key, true
			}
		}
	}
	return Key{}, false
}

// Len is the number of usable keys.
func (s *KeySet) Len() int { return len(s.keys) }

// MarshalJSON is the set as a JWK Set with the usable keys, public members only.
func (s *KeySet) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]Key{"keys": append([]Key{}, s.keys...)})
}
