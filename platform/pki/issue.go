package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// IssueWorkload grants a certificate request for exactly this workload, to be a client and a server. Everything in the
// certificate but the key comes from here; that the request asks for the same shows that both sides mean the same. A
// request that cannot be granted is an [ErrRequest].
func (a *Authority) IssueWorkload(request []byte, workload string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	if !workloadName(workload) {
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
func (a *Authority) IssueServer(request []byte, hosts []string, now time.Time, lifetime time.Duration) (*x509.Certificate, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: []string{a.domain}, CommonName: "Server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
			template.IPAddresses = append(template.IPAddresses, ip.Unmap().AsSlice())
		} else if dnsName(host) {
			template.DNSNames = append(template.DNSNames, strings.ToLower(host))
		} else {
			return nil, fmt.Errorf("no certificate can be issued for %q: it is neither a host name nor an IP address", host)
		}
	}
	if len(hosts) == 0 {
		return nil, errors.New("no certificate can be issued without a host name or an IP address")
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
	return sign(template, a.certificate, key, a.key())
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

// dnsName accepts the names that clients compare with a certificate: labels of letters, digits, - and _ (RFC 1035,
// section 2.3.4, has the lengths).
func dnsName(host string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	if len(host) > 253 {
		return false
	}
	return !slices.ContainsFunc(strings.Split(strings.ToLower(host), "."), func(label string) bool {
		return label == "" || len(label) > 63 || strings.Trim(label, allowed) != ""
	})
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
