package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
)

// ErrRequest is what an issuer's errors are (see [errors.Is]) where the request is at fault, and not the issuer.
var ErrRequest = errors.New("the certificate request cannot be granted")

// newRequest asks for a certificate of the key that carries the URI, or no name where it is empty.
func newRequest(key *ecdsa.PrivateKey, id string) ([]byte, error) {
	template := &x509.CertificateRequest{}
	if id != "" {
		parsed, err := url.Parse(id)
		if err != nil {
			return nil, fmt.Errorf("no certificate can be requested for %q: it is not a URI", id)
		}
		template.URIs = []*url.URL{parsed}
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("request a certificate: %w", err)
	}
	return request, nil
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
