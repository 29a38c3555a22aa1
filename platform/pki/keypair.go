package pki

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// KeyPair is the own key and certificate of a workload, or of the public listener, in one file. It is safe for
// concurrent use.
type KeyPair struct {
	path    string
	mu      sync.Mutex // one renewal at a time
	current atomic.Pointer[tls.Certificate]
	changes atomic.Uint64
}

// OpenKeyPair loads what is stored. A missing file is a key pair without a certificate; one that others could have read
// or that is damaged is an error that says what to do. The directory is made where it is missing.
func OpenKeyPair(path string) (*KeyPair, error) {
	if err := prepare(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := sweep(path); err != nil {
		return nil, err
	}
	i := &KeyPair{path: path}
	text, err := ReadSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return i, nil
	}
	if err != nil {
		return nil, err
	}
	certificate, err := parseKeyPair(text)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); remove it, and a new one is issued as at the first start", path, err)
	}
	i.use(certificate)
	return i, nil
}

func (i *KeyPair) use(certificate *tls.Certificate) {
	i.current.Store(certificate)
	i.changes.Add(1) // after it: whoever sees the next generation gets its certificate
}

// Current is the key and the chain in use, nil where there is none yet. It must not be changed.
func (i *KeyPair) Current() *tls.Certificate { return i.current.Load() }

// Generation grows with every certificate, and is 0 where there is none yet.
func (i *KeyPair) Generation() uint64 { return i.changes.Load() }

// GetCertificate is the [CertificateSource] of a server: the certificate in use.
func (i *KeyPair) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if certificate := i.Current(); certificate != nil {
		return certificate, nil
	}
	return nil, errors.New("this process has no certificate yet")
}

// Usable reports whether there is a certificate that holds now.
func (i *KeyPair) Usable(now time.Time) bool {
	certificate := i.Current()
	return certificate != nil && within(certificate.Leaf, now, "") == nil
}

// Issued is when the certificate in use was issued; the zero time where there is none.
func (i *KeyPair) Issued() time.Time {
	if certificate := i.Current(); certificate != nil {
		return certificate.Leaf.NotBefore.Add(Backdate)
	}
	return time.Time{}
}

// Due reports whether it is time to renew: where there is no certificate that holds, and after half of its life, so that
// the other half is left for attempts that fail.
func (i *KeyPair) Due(now time.Time) bool {
	if !i.Usable(now) {
		return true
	}
	from := i.Issued()
	return !now.Before(from.Add(i.Current().Leaf.NotAfter.Sub(from) / 2))
}

// Renew makes a new key, has issue grant a request for it, stores the answer, and only then uses it; on any failure the
// old one stays in use. The request is for the identity id, or for no name where it is empty. The answer is in DER: the
// leaf, then the root that has signed it.
func (i *KeyPair) Renew(ctx context.Context, id string, issue func(ctx context.Context, request []byte) (chain [][]byte, err error)) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, err := newKey()
	if err != nil {
		return err
	}
	request, err := newRequest(key, id)
	if err != nil {
		return err
	}
	chain, err := issue(ctx, request)
	if err != nil {
		return err
	}
	certificate, err := assemble(key, chain)
	if err != nil {
		return fmt.Errorf("the certificate that was issued cannot be used: %w", err)
	}
	if got, err := onlyURI(certificate.Leaf.Extensions); id != "" && (err != nil || got != id) {
		return fmt.Errorf("the certificate that was issued cannot be used: it is not for %s", id)
	}
	text, err := encodeKeyPair(key, chain)
	if err == nil {
		err = replace(i.path, text, 0o600)
	}
	if err == nil {
		i.use(certificate)
	}
	return err
}

// assemble makes a certificate of a key and a chain that fits it.
func assemble(key *ecdsa.PrivateKey, chain [][]byte) (*tls.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate")
	}
	var above *x509.Certificate
	for n := len(chain) - 1; n >= 0; n-- {
		certificate, err := x509.ParseCertificate(chain[n])
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read (%w)", n+1, err)
		}
		if above != nil && certificate.CheckSignatureFrom(above) != nil {
			return nil, fmt.Errorf("certificate %d is not signed by the one after it", n+1)
		}
		above = certificate
	}
	if !key.PublicKey.Equal(above.PublicKey) {
		return nil, errors.New("the certificate does not belong to the key")
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: above}, nil
}

// encodeKeyPair is a key and its chain as one file, so that there is no moment at which one belongs to another.
func encodeKeyPair(key *ecdsa.PrivateKey, chain [][]byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a private key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})
	for _, certificate := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: certificate})...)
	}
	return text, nil
}

// parseKeyPair reads a private key and then the certificates, and nothing else.
func parseKeyPair(text []byte) (*tls.Certificate, error) {
	first, rest := pem.Decode(text)
	if first == nil || first.Type != keyBlock {
		return nil, errors.New("it does not begin with a private key")
	}
	key, err := parseKey(first.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its key %w", err)
	}
	var chain [][]byte
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != certBlock {
			return nil, errors.New("it holds something else than certificates behind the key")
		}
		chain = append(chain, block.Bytes)
	}
	return assemble(key, chain)
}

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

// CertificateSource gives the certificate for a connection, as [tls.Config.GetCertificate] takes it. It is safe for
// concurrent use.
type CertificateSource = func(*tls.ClientHelloInfo) (*tls.Certificate, error)
