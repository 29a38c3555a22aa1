package pki

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	current atomic.Pointer[issued]
}

// issued is a certificate in use, and the how manieth it is.
type issued struct {
	generation  uint64
	certificate *tls.Certificate
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
	certificate, err := readKeyPair(path)
	if err != nil {
		return nil, err
	}
	if certificate != nil {
		i.current.Store(&issued{generation: 1, certificate: certificate})
	}
	return i, nil
}

// Current is the key and the chain in use, nil where there is none yet. It must not be changed.
func (i *KeyPair) Current() *tls.Certificate {
	if in := i.current.Load(); in != nil {
		return in.certificate
	}
	return nil
}

// Generation grows with every certificate, and is 0 where there is none yet.
func (i *KeyPair) Generation() uint64 {
	if in := i.current.Load(); in != nil {
		return in.generation
	}
	return 0
}

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
	if err := writeKeyPair(i.path, key, chain); err != nil {
		return err
	}
	i.current.Store(&issued{generation: i.Generation() + 1, certificate: certificate})
	return nil
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
