package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Peers judges the certificates of other workloads. What it trusts can be replaced while it is used; every call judges
// by what is trusted at that moment. It is safe for concurrent use.
type Peers struct {
	domain  string
	now     func() time.Time
	mu      sync.Mutex // one change at a time
	trusted atomic.Pointer[trusted]
}

// NewPeers trusts nobody until [Peers.Trust] is called.
func NewPeers(domain string, now func() time.Time) *Peers {
	p := &Peers{domain: domain, now: now}
	p.trusted.Store(&trusted{})
	return p
}

// Trust replaces what is trusted: the certificates that these roots have signed, except for those with the serial numbers
// that are revoked (see [Serial]). Nil, and roots of another domain or of the public listener, are no roots.
func (p *Peers) Trust(roots *Roots, revoked []string) {
	if roots != nil && (roots.domain == "" || roots.domain != p.domain) {
		roots = nil
	}
	revoked = slices.Compact(slices.Sorted(slices.Values(revoked)))
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.trusted.Load()
	if before.roots.equal(roots) && slices.Equal(before.revoked, revoked) {
		return
	}
	p.trusted.Store(&trusted{
		generation: before.generation + 1, roots: roots, revoked: revoked,
		known: map[[sha256.Size]byte]known{},
	})
}

// Generation grows with every [Peers.Trust] that changed something, and is 0 before the first.
func (p *Peers) Generation() uint64 { return p.trusted.Load().generation }

// Identify is the workload that a client's certificate proves; the chain is as the connection has it. It is meant to be
// asked for every request, since a connection may outlive what its handshake was judged by, and is cheap: a certificate's
// signature is checked once while nothing changes, its time always.
func (p *Peers) Identify(chain []*x509.Certificate) (workload string, err error) {
	return p.judge(chain, x509.ExtKeyUsageClientAuth)
}

// Expect is nil where a server's certificate proves this workload.
func (p *Peers) Expect(chain []*x509.Certificate, workload string) error {
	got, err := p.judge(chain, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return fmt.Errorf("%s could not prove itself: %w", workload, err)
	}
	if got != workload {
		return fmt.Errorf("%s was called and %s answered; correct the address of %s", workload, got, workload)
	}
	return nil
}

func (p *Peers) judge(chain []*x509.Certificate, use x509.ExtKeyUsage) (string, error) {
	if len(chain) == 0 {
		return "", errors.New("no certificate was presented")
	}
	leaf, now := chain[0], p.now()
	if err := within(leaf, now, "the certificate"); err != nil {
		return "", err
	}
	who, err := p.trusted.Load().identify(leaf, now)
	if err != nil {
		return "", err
	}
	if err := within(who.root, now, "the root of the certificate"); err != nil {
		return "", err
	}
	if !slices.Contains(leaf.ExtKeyUsage, use) {
		return "", fmt.Errorf("the certificate of %s is not for this side of a connection", who.workload)
	}
	return who.workload, nil
}

// within judges the time.
func within(certificate *x509.Certificate, now time.Time, what string) error {
	switch {
	case now.Before(certificate.NotBefore):
		return fmt.Errorf("%s holds from %s on, and this machine's clock says %s; set the clocks of both machines",
			what, stamp(certificate.NotBefore), stamp(now))
	case now.After(certificate.NotAfter):
		return fmt.Errorf("%s has expired at %s, and this machine's clock says %s", what, stamp(certificate.NotAfter), stamp(now))
	}
	return nil
}

// maxKnown bounds the memory. Only certificates that a root has signed take a place, and an installation has some tens
// that are in use at once.
const maxKnown = 1024

// trusted is what is trusted in one generation. It does not change, except that it remembers whom it has met.
type trusted struct {
	generation uint64
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
	switch _, unknown := errors.AsType[x509.UnknownAuthorityError](err); {
	case unknown:
		return known{}, fmt.Errorf("the certificate is not signed by a root of %s that is trusted here", t.roots.domain)
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
	workload, ok := Workload(t.roots.domain, id)
	if !ok {
		return known{}, fmt.Errorf("the certificate proves %.100q, which is no workload of %s", id, t.roots.domain)
	}
	if serial := Serial(leaf); slices.Contains(t.revoked, serial) {
		return known{}, fmt.Errorf("the certificate of %s with the serial number %s is revoked", workload, serial)
	}
	return known{workload: workload, root: chains[0][1]}, nil
}
