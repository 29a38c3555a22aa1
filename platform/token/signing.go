package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"oms/platform/strictjson"
)

// SigningKey signs tokens with one algorithm. Its kid is the thumbprint of its public key (RFC 7638), so the same key
// has the same name everywhere. It is immutable and safe for concurrent use; the zero value signs nothing.
//
// It never shows its private half: not with any verb of fmt, not as JSON or text, not in a log. [SigningKey.MarshalPKCS8]
// is the only way out.
type SigningKey struct {
	public Key
	// private is a function because fmt shows one as an address at most. Where this struct is an unexported field of
	// another, fmt calls no methods; a pointer it follows then, for a verb that does not fit.
	private func() crypto.Signer
}

// rsaBits is the size of new RSA keys: 128 bits of security (NIST SP 800-57 part 1), good beyond 2030.
const rsaBits = 3072

// GenerateSigningKey makes a fresh key for the algorithm. RSA takes up to seconds. Its name does not begin with a hyphen, as
// one thumbprint in 64 does: those who name it to a program on a command line would be naming a flag.
func GenerateSigningKey(algorithm Algorithm) (SigningKey, error) {
	for {
		key, err := generateSigningKey(algorithm)
		if err != nil || !strings.HasPrefix(key.ID(), "-") {
			return key, err
		}
	}
}

func generateSigningKey(algorithm Algorithm) (SigningKey, error) {
	var signer crypto.Signer
	var err error
	switch algorithm {
	case ES256, ES384:
		signer, err = ecdsa.GenerateKey(curves[algorithm], rand.Reader)
	case EdDSA:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case RS256, RS384, RS512, PS256, PS384, PS512:
		signer, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return SigningKey{}, fmt.Errorf("the algorithm %s is not known", quoted(string(algorithm)))
	}
	if err != nil {
		return SigningKey{}, fmt.Errorf("no key could be generated: %w", err)
	}
	return newSigningKey(signer, algorithm)
}

// ParseSigningKey reads a private key in PKCS #8 DER, for the algorithm. Its errors show nothing of the key.
func ParseSigningKey(der []byte, algorithm Algorithm) (SigningKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return SigningKey{}, errors.New("the signing key is not a private key in PKCS #8 DER")
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return SigningKey{}, errors.New("the signing key cannot sign")
	}
	return newSigningKey(signer, algorithm)
}

func newSigningKey(signer crypto.Signer, algorithm Algorithm) (SigningKey, error) {
	key := Key{algorithm: algorithm, public: signer.Public()}
	if err := algorithm.fits(key.public); err != nil {
		return SigningKey{}, err
	}
	key.id = key.Thumbprint()
	return SigningKey{public: key, private: func() crypto.Signer { return signer }}, nil
}

// Public is the public half, for a [KeySet].
func (k SigningKey) Public() Key { return k.public }

// ID is the kid.
func (k SigningKey) ID() string { return k.public.id }

// Algorithm is the one algorithm that the key signs with.
func (k SigningKey) Algorithm() Algorithm { return k.public.algorithm }

// MarshalPKCS8 is the private key in PKCS #8 DER, without encryption: for a file that nobody else can read.
func (k SigningKey) MarshalPKCS8() ([]byte, error) {
	if k.private == nil {
		return nil, errors.New("there is no signing key")
	}
	return x509.MarshalPKCS8PrivateKey(k.private())
}

// String names the key without its private half.
func (k SigningKey) String() string {
	if k.private == nil {
		return "SigningKey(none)"
	}
	return "SigningKey(" + string(k.Algorithm()) + " " + k.ID() + ", private key not shown)"
}

// Format writes String for every verb.
func (k SigningKey) Format(to fmt.State, _ rune) { _, _ = to.Write([]byte(k.String())) }

// MarshalText is String: in JSON, YAML and as the key of a map.
func (k SigningKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// LogValue is String.
func (k SigningKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Sign makes a token of the given typ. claims is a struct or map that marshals to a JSON object; what they must say is
// the business of the caller, and [NumericDate] writes their dates. It fails for a zero key, for a typ that is not
// printable ASCII, and for claims that [Issuer.Verify] could not read: not an object, a duplicate member, too long.
func Sign(key SigningKey, typ string, claims any) (string, error) {
	if key.private == nil {
		return "", errors.New("sign a token: there is no signing key")
	}
	if !printable(typ, maxType) {
		return "", errors.New("sign a token: typ must be 1 to 128 printable ASCII characters")
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	value, err := strictjson.Parse(payload)
	if err != nil {
		return "", fmt.Errorf("sign a token: the claims: %w", err)
	}
	if value.Kind() != strictjson.Object {
		return "", fmt.Errorf("sign a token: the claims must be a JSON object, not %s", value.Kind())
	}
	header, err := json.Marshal(struct {
		Alg Algorithm `json:"alg"`
		Kid string    `json:"kid"`
		Typ string    `json:"typ"`
	}{key.Algorithm(), key.ID(), typ})
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	text := append(base64.RawURLEncoding.AppendEncode(nil, header), '.')
	text = base64.RawURLEncoding.AppendEncode(text, payload)
	signature, err := codecs[key.Algorithm()].Sign(string(text), key.private())
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	text = base64.RawURLEncoding.AppendEncode(append(text, '.'), signature)
	if len(text) > MaxLength {
		return "", fmt.Errorf("sign a token: it would be %d bytes long; at most %d are accepted anywhere", len(text), MaxLength)
	}
	return string(text), nil
}
