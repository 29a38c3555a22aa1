package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// rootLifetime is long, because everyone outside the installation has to be given the next root by hand.
const rootLifetime = 10 * 365 * 24 * time.Hour

// Authority is one private root of a trust domain, which can sign. It is immutable and safe for concurrent use.
//
// It never shows its key: not with any verb of fmt, not as JSON or text, not in a log. [Authority.MarshalKey] is the
// only way out.
type Authority struct {
	domain      string
	certificate *x509.Certificate
	// key is a function because fmt shows one as an address at most, also where it calls no methods.
	key func() *ecdsa.PrivateKey
}

// NewAuthority makes a root: an ECDSA P-256 key, and a certificate for ten years. Two roots of one domain have different
// subjects, so that a verifier never has to try which of them has signed.
func NewAuthority(domain string, now time.Time) (*Authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{domain}, CommonName: "Private root", SerialNumber: rand.Text()[:8]},
		URIs:                  []*url.URL{uri(domain, "")},
		NotBefore:             now.Add(-Backdate),
		NotAfter:              now.Add(rootLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // it signs leaves, and no authority below it
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return newAuthority(domain, certificate, key)
}

// ParseAuthority reads what [Authority.Certificate] and [Authority.MarshalKey] gave: DER, the key in PKCS #8. It does not
// judge the time, because an authority that has expired must still be shown and removed. Its errors show nothing of the
// key.
func ParseAuthority(domain string, certificate, key []byte) (*Authority, error) {
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("the stored certificate of the private root is damaged (%w); bring it back from a backup", err)
	}
	private, err := parseKey(key)
	if err != nil {
		return nil, fmt.Errorf("the stored key of the private root %w; bring it back from a backup", err)
	}
	return newAuthority(domain, parsed, private)
}

func newAuthority(domain string, certificate *x509.Certificate, key *ecdsa.PrivateKey) (*Authority, error) {
	if !key.PublicKey.Equal(certificate.PublicKey) {
		return nil, errors.New("the private root's certificate does not belong to its key; bring both back from the same backup")
	}
	if err := checkRoot(domain, certificate); err != nil {
		return nil, err
	}
	return &Authority{domain: domain, certificate: certificate, key: func() *ecdsa.PrivateKey { return key }}, nil
}

// Certificate is the root's own certificate. It must not be changed.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// Fingerprint is that of the root's certificate: see the function [Fingerprint].
func (a *Authority) Fingerprint() string { return Fingerprint(a.certificate) }

// MarshalKey is the private key in PKCS #8 DER, without encryption: for where nobody else can read.
func (a *Authority) MarshalKey() ([]byte, error) { return x509.MarshalPKCS8PrivateKey(a.key()) }

// String names the root without its key.
func (a *Authority) String() string {
	return "Authority(" + a.domain + " " + a.Fingerprint() + ", private key not shown)"
}

// Format writes String for every verb.
func (a *Authority) Format(to fmt.State, _ rune) { _, _ = to.Write([]byte(a.String())) }

// MarshalText is String: in JSON, YAML and as the key of a map.
func (a *Authority) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is String.
func (a *Authority) LogValue() slog.Value { return slog.StringValue(a.String()) }

// newKey makes a key of the only kind that is used here: every TLS 1.3 peer has it, and it is fast to make and to sign
// with.
func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a private key: %w", err)
	}
	return key, nil
}

// parseKey reads a key of that kind. Its errors continue a sentence that names the key, and show nothing of it.
func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("is damaged")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("is not an ECDSA P-256 key")
	}
	return key, nil
}
