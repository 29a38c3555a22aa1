package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// CertificateSource gives the certificate for a connection, as [tls.Config.GetCertificate] takes it. It is safe for
// concurrent use.
type CertificateSource = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// serverLifetime is short, because renewing costs nothing where the root's key is at hand and a short life stands in for
// revocation. It is long enough for clients that keep a connection over a weekend, and far below the limits that
// browsers set (47 days from 2029 on).
const serverLifetime = 7 * 24 * time.Hour

// ServerCertificate gives certificates for the host names and IP addresses: ECDSA P-256, for servers only, valid for
// seven days and from one hour ago. A new one, with a new key, is issued by the first connection after half of that
// time; keys are never written to disk. The first one is issued here, so that what would fail fails at start.
func (r *Root) ServerCertificate(hosts []string) (CertificateSource, error) {
	s := &server{root: r, names: &x509.Certificate{}}
	for _, host := range hosts {
		if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
			s.names.IPAddresses = append(s.names.IPAddresses, ip.Unmap().AsSlice())
		} else if dnsName(host) {
			s.names.DNSNames = append(s.names.DNSNames, strings.ToLower(host))
		} else {
			return nil, fmt.Errorf("no certificate can be issued for %q: it is neither a host name nor an IP address", host)
		}
	}
	if len(hosts) == 0 {
		return nil, errors.New("no certificate can be issued without a host name or an IP address")
	}
	if _, err := s.certificate(nil); err != nil {
		return nil, err
	}
	return s.certificate, nil
}

// server is the certificate of one listener.
type server struct {
	root  *Root
	names *x509.Certificate // template: DNSNames and IPAddresses

	mu      sync.Mutex
	current *tls.Certificate
	renewal time.Time // when to issue the next one
}

func (s *server) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.root.now()
	if s.current != nil && now.Before(s.renewal) && !now.Before(s.current.Leaf.NotBefore) {
		return s.current, nil
	}
	next, err := s.root.issueServer(s.names, now)
	if err != nil {
		return nil, err
	}
	s.current = next
	s.renewal = now.Add(next.Leaf.NotAfter.Sub(now) / 2)
	return next, nil
}

// issueServer issues a certificate for the names, with a new key; it does not outlive the root.
func (r *Root) issueServer(names *x509.Certificate, now time.Time) (*tls.Certificate, error) {
	until := now.Add(serverLifetime)
	if until.After(r.cert.NotAfter) {
		until = r.cert.NotAfter
	}
	if !now.Before(until) {
		return nil, fmt.Errorf("no certificate can be issued: the private root has expired at %s", stamp(r.cert.NotAfter))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of a certificate: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{r.domain}, CommonName: "Server"},
		DNSNames:              names.DNSNames,
		IPAddresses:           names.IPAddresses,
		NotBefore:             now.Add(-backdate),
		NotAfter:              until,
		BasicConstraintsValid: true, // and not an authority
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, r.cert, key.Public(), r.key)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("issue a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
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
