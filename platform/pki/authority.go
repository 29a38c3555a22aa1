package pki

import (
	"cmp"
	"crypto"
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

// Authority is one private root, which can sign: identities of a trust domain, or for the hosts of the public listener. It
// is immutable and safe for concurrent use.
//
// It never shows its key: not with any verb of fmt, not as JSON or text, not in a log. [Authority.MarshalKey] is the
// only way out.
type Authority struct {
	domain      string // "" where it is that of the public listener
	certificate *x509.Certificate
	// key is a function because fmt shows one as an address at most, also where it calls no methods.
	key func() *ecdsa.PrivateKey
}

// NewAuthority makes the root of a trust domain, which can sign its identities and nothing else: an ECDSA P-256 key, and a
// certificate for ten years. Two roots of one domain have different subjects, so that a verifier never has to try which of
// them has signed.
func NewAuthority(domain string, now time.Time) (*Authority, error) {
	template := rootTemplate(domain, "Private root", now)
	template.URIs = []*url.URL{uri(domain, "")}
	constrainToDomain(template, domain)
	return makeRoot(domain, template)
}

// NewPublicAuthority makes the root of the public listener, which can sign for exactly these host names and IP addresses,
// and for nothing else: people import it. It proves no workload. The organisation is what people see of whom it is.
func NewPublicAuthority(organisation string, list []string, now time.Time) (*Authority, error) {
	to, err := parseHosts(list)
	if err != nil {
		return nil, err
	}
	template := rootTemplate(organisation, "Public root", now)
	constrain(template, to)
	return makeRoot("", template)
}

func rootTemplate(organisation, name string, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{organisation}, CommonName: name, SerialNumber: rand.Text()[:8]},
		NotBefore:             now.Add(-Backdate),
		NotAfter:              now.Add(rootLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // it signs leaves, and no authority below it
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func makeRoot(domain string, template *x509.Certificate) (*Authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return newAuthority(domain, certificate, key)
}

// ParseAuthority reads what [Authority.Certificate] and [Authority.MarshalKey] gave: DER, the key in PKCS #8. The domain is
// empty for the root of the public listener. It does not judge the time, because an authority that has expired must still
// be shown and removed. Its errors show nothing of the key.
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
	return "Authority(" + cmp.Or(a.domain, "public") + " " + a.Fingerprint() + ", private key not shown)"
}

// Format writes String for every verb.
func (a *Authority) Format(to fmt.State, _ rune) { _, _ = to.Write([]byte(a.String())) }

// MarshalText is String: in JSON, YAML and as the key of a map.
func (a *Authority) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// LogValue is String.
func (a *Authority) LogValue() slog.Value { return slog.StringValue(a.String()) }

// newKey makes a key of the only kind that is used here: every TLS 1.3 peer has it, and it is fast to make and to sign with.
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

// IssueWorkload grants a certificate request for exactly this workload, to be a client and a server. Everything in the
// certificate but the key comes from here; that the request asks for the same shows that both sides mean the same. A
// request that cannot be granted is an [ErrRequest].
func (a *Authority) IssueWorkload(request []byte, workload string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	if a.domain == "" || !workloadName(workload) {
		return nil, fmt.Errorf("no certificate can be issued for %q: it is not the name of a workload", workload)
	}
	key, err := requestedKey(request, ID(a.domain, workload))
	if err != nil {
		return nil, err
	}
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{Organization: []string{a.domain}, CommonName: workload},
		URIs:        []*url.URL{uri(a.domain, workload)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}, key, now, lifetime)
}

// IssueServer grants a certificate for the public listener: for the host names and IP addresses, and for servers only.
// It names no workload, so that it is nobody's identity; the request carries no names at all. A request that cannot be
// granted is an [ErrRequest].
func (a *Authority) IssueServer(request []byte, list []string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	to, err := parseHosts(list)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		// Without a common name: clients that still compare it would take it for a host.
		Subject:     pkix.Name{Organization: a.certificate.Subject.Organization},
		DNSNames:    to.names,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, address := range to.addresses {
		template.IPAddresses = append(template.IPAddresses, address.AsSlice())
	}
	key, err := requestedKey(request, "")
	if err != nil {
		return nil, err
	}
	return a.issue(template, key, now, lifetime)
}

// issue signs a leaf, which does not outlive the root.
func (a *Authority) issue(template *x509.Certificate, key *ecdsa.PublicKey, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	switch {
	case now.Before(a.certificate.NotBefore):
		return nil, fmt.Errorf("no certificate can be issued: the private root holds from %s on, and this machine's clock says %s; set the clock",
			stamp(a.certificate.NotBefore), stamp(now))
	case !now.Before(a.certificate.NotAfter):
		return nil, fmt.Errorf("no certificate can be issued: the private root has expired at %s; make a new one", stamp(a.certificate.NotAfter))
	case lifetime <= 0:
		return nil, fmt.Errorf("no certificate can be issued for the lifetime %s", lifetime)
	}
	template.NotBefore = now.Add(-Backdate)
	template.NotAfter = now.Add(lifetime)
	if template.NotAfter.After(a.certificate.NotAfter) {
		template.NotAfter = a.certificate.NotAfter
	}
	template.BasicConstraintsValid = true // and not an authority
	template.KeyUsage = x509.KeyUsageDigitalSignature
	leaf, err := sign(template, a.certificate, key, a.key())
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return nil, fmt.Errorf("no certificate can be issued that others would accept: %w", err) // the root is for other names
	}
	return leaf, nil
}

// sign makes a certificate with a random serial number, and reads it back as others will.
func sign(template, parent *x509.Certificate, public crypto.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	return certificate, nil
}

// requestedKey is the key that a request asks a certificate for. The request must ask for this identity, or for no name
// where it is empty, and for nothing else.
func requestedKey(request []byte, id string) (*ecdsa.PublicKey, error) {
	refused := func(format string, args ...any) error {
		return fmt.Errorf("%w: %w", ErrRequest, fmt.Errorf(format, args...))
	}
	parsed, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return nil, refused("it cannot be read (%w)", err)
	}
	key, ok := parsed.PublicKey.(*ecdsa.PublicKey) // before the signature: checking one costs as much as the key says
	if !ok || key.Curve != elliptic.P256() {
		return nil, refused("its key is not an ECDSA P-256 key")
	}
	if err := parsed.CheckSignature(); err != nil {
		return nil, refused("it is not signed with the key that it is for")
	}
	if len(parsed.Subject.Names) > 0 {
		return nil, refused("it asks for a subject, which is not the requester's to choose")
	}
	for _, extension := range parsed.Extensions {
		if id == "" || !isNames(extension) {
			return nil, refused("it asks for the extension %s", extension.Id)
		}
	}
	if id == "" {
		return key, nil
	}
	asked, err := onlyURI(parsed.Extensions)
	if err != nil {
		return nil, refused("%w", err)
	}
	if asked != id {
		return nil, refused("it asks for another identity than %s", id)
	}
	return key, nil
}
