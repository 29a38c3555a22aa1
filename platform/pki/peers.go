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
// that are revoked (see [Serial]). Nil and roots of another domain are no roots.
func (p *Peers) Trust(roots *Roots, revoked []string) {
	if roots != nil && roots.domain != p.domain {
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
		generation: before.generation + 1, domain: p.domain, roots: roots, revoked: revoked,
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
