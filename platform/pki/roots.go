package pki

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Roots is a set of root certificates of one trust domain, or of the public listener. It is immutable and safe for
// concurrent use.
type Roots struct {
	domain       string              // "" where they are those of the public listener
	certificates []*x509.Certificate // the oldest first, so that the same set is the same text
	pool         *x509.CertPool
}

// NewRoots makes the set of these roots, in any order. There is at least one, and each is a root of the domain. Without a
// domain they are those of the public listener, which prove no workload to any [Peers].
func NewRoots(domain string, certificates ...*x509.Certificate) (*Roots, error) {
	if len(certificates) == 0 {
		return nil, fmt.Errorf("there is no root certificate of %s", cmp.Or(domain, "the public listener"))
	}
	r := &Roots{domain: domain, certificates: slices.Clone(certificates), pool: x509.NewCertPool()}
	for _, certificate := range certificates {
		if err := checkRoot(domain, certificate); err != nil {
			return nil, err
		}
		r.pool.AddCert(certificate)
	}
	slices.SortFunc(r.certificates, func(a, b *x509.Certificate) int {
		return cmp.Or(a.NotBefore.Compare(b.NotBefore), bytes.Compare(a.Raw, b.Raw))
	})
	r.certificates = slices.CompactFunc(r.certificates, (*x509.Certificate).Equal)
	return r, nil
}

// ParseRoots reads what [Roots.PEM] gave. Text between the certificates is passed over, as everyone does who reads such
// files; anything else that is not a root of the domain is an error.
func ParseRoots(domain string, text []byte) (*Roots, error) {
	var certificates []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != certBlock {
			return nil, fmt.Errorf("number %d of the PEM blocks, a %q, is not a certificate", len(certificates)+1, block.Type)
		}
		certificates, text = append(certificates, certificate), rest
	}
	if bytes.Contains(text, []byte("-----BEGIN")) {
		return nil, errors.New("the root certificates end in the middle of one")
	}
	return NewRoots(domain, certificates...)
}

// PEM is the set for people and their tools, such as curl --cacert.
func (r *Roots) PEM() []byte {
	var text bytes.Buffer
	for _, certificate := range r.certificates {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: certificate.Raw}))
	}
	return text.Bytes()
}

// Certificates are the roots, the oldest first. They must not be changed.
func (r *Roots) Certificates() []*x509.Certificate { return r.certificates }

// equal treats nil as the set without a root.
func (r *Roots) equal(other *Roots) bool {
	if r == nil || other == nil {
		return r == other
	}
	return slices.EqualFunc(r.certificates, other.certificates, (*x509.Certificate).Equal)
}

// WriteRoots writes roots for people: whole or not at all, readable by everyone, and only where it has changed. The
// directory is made where it is missing.
func WriteRoots(path string, roots *Roots) error {
	return update(path, roots.PEM(), 0o644, os.ReadFile)
}

// checkRoot refuses a certificate that is not a root, or not of this domain; without a domain, any root will do.
func checkRoot(domain string, certificate *x509.Certificate) error {
	if !certificate.IsCA || !certificate.BasicConstraintsValid || certificate.CheckSignatureFrom(certificate) != nil {
		return errors.New("a certificate is not that of a root; bring the right one back from a backup")
	}
	if domain == "" {
		return nil
	}
	if id, err := onlyURI(certificate.Extensions); err != nil || id != uri(domain, "").String() {
		return &DomainError{Made: domainOf(certificate), Configured: domain}
	}
	return nil
}

// DomainError says that a root was made for another trust domain than the configured one; Made is "" where it is for none.
type DomainError struct{ Made, Configured string }

// Error implements error.
func (e *DomainError) Error() string {
	return fmt.Sprintf("a certificate is the root of another trust domain than %s; set trust.domain back, or use the roots of that domain", e.Configured)
}

// Domain is the trust domain that a key pair was made for; "" where it is for none, or there is no certificate.
func (i *KeyPair) Domain() string {
	if current := i.Current(); current != nil {
		return domainOf(current.Leaf)
	}
	return ""
}

// domainOf is the trust domain of the identity in a certificate; "" where there is none.
func domainOf(certificate *x509.Certificate) string {
	text, err := onlyURI(certificate.Extensions)
	if err != nil {
		return ""
	}
	domain, is := strings.CutPrefix(text, "spiffe://")
	if !is {
		return ""
	}
	domain, _, _ = strings.Cut(domain, "/")
	return domain
}
