package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxKnown bounds the memory. Only certificates that a root has signed take a place, and an installation has some tens
// that are in use at once.
const maxKnown = 1024

// trusted is what is trusted in one generation. It does not change, except that it remembers whom it has met.
type trusted struct {
	generation uint64
	domain     string
	roots      *Roots   // nil: nobody
	revoked    []string // sorted

	mu    sync.RWMutex
	known map[[sha256.Size]byte]known // by the leaf as it was presented
}

// known is what a certificate proves for as long as both it and the root hold.
type known struct {
	workload string
	root     *x509.Certificate
}

// identify judges everything about a leaf that does not change within the generation.
func (t *trusted) identify(leaf *x509.Certificate, now time.Time) (known, error) {
	key := sha256.Sum256(leaf.Raw)
	t.mu.RLock()
	who, met := t.known[key]
	t.mu.RUnlock()
	if met {
		return who, nil
	}
	who, err := t.examine(leaf, now)
	if err != nil {
		return known{}, err // and not remembered: whoever is refused costs a signature, but no place
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for other := range t.known {
		if len(t.known) < maxKnown {
			break
		}
		delete(t.known, other)
	}
	t.known[key] = who
	return who, nil
}

// examine follows X509-SVID, section 5, with the two limits that our issuer keeps: a root signs leaves itself, and an
// identity is the only name.
func (t *trusted) examine(leaf *x509.Certificate, now time.Time) (known, error) {
	if t.roots == nil {
		return known{}, errors.New("no root is trusted here yet")
	}
	if leaf.IsCA || leaf.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return known{}, errors.New("the certificate is that of an authority, not of a workload")
	}
	// Without intermediates, so that there is nothing between the leaf and a root whatever was presented beside it.
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: t.roots.pool, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, // the caller knows which side it is on
	})
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return known{}, fmt.Errorf("the certificate is not signed by a root of %s that is trusted here", t.domain)
	case err != nil:
		return known{}, fmt.Errorf("the certificate does not hold: %w", err)
	case len(chains[0]) != 2: // the leaf is in the pool itself
		return known{}, errors.New("the certificate is that of a root, not of a workload")
	case leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return known{}, errors.New("the certificate is not for signing a handshake")
	}
	id, err := onlyURI(leaf.Extensions)
	if err != nil {
		return known{}, fmt.Errorf("the certificate proves nobody: %w", err)
	}
	workload, ok := Workload(t.domain, id)
	if !ok {
		return known{}, fmt.Errorf("the certificate proves %.100q, which is no workload of %s", id, t.domain)
	}
	if serial := Serial(leaf); slices.Contains(t.revoked, serial) {
		return known{}, fmt.Errorf("the certificate of %s with the serial number %s is revoked", workload, serial)
	}
	return known{workload: workload, root: chains[0][1]}, nil
}
