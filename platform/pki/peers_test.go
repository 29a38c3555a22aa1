package pki_test

import (
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"oms/platform/pki"
)

// opened is an open connection's client, as the server has it.
func opened(t *testing.T, peers *pki.Peers, root *pki.Authority, workload string) []*x509.Certificate {
	t.Helper()
	server := pki.Listener{KeyPair: member(t, root, "sts"), Peers: peers, Log: slog.New(slog.DiscardHandler)}
	m := meet(t, server.TLS(), pki.ClientTLS(member(t, root, workload), peers, "sts"))
	both(t, m)
	return m.serverState.PeerCertificates
}

func identified(t testing.TB, peers *pki.Peers, chain []*x509.Certificate, workload string) {
	t.Helper()
	if got, err := peers.Identify(chain); got != workload || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if err := peers.Expect(chain, workload); err != nil {
		t.Error(err)
	}
}

func unidentified(t testing.TB, peers *pki.Peers, chain []*x509.Certificate, why string) {
	t.Helper()
	got, err := peers.Identify(chain)
	fails(t, err, why)
	fails(t, peers.Expect(chain, "order"), why)
	if got != "" {
		t.Errorf("it is %q all the same", got)
	}
}

func TestAnOpenConnectionIsJudgedAgain(t *testing.T) {
	root, next := authority(t, domain), authority(t, domain)
	c := at(start)
	peers := peersOf(t, c, root)
	chain := opened(t, peers, root, "order")
	identified(t, peers, chain, "order")

	t.Run("revoked", func(t *testing.T) {
		peers.Trust(rootsOf(t, root), []string{"0", pki.Serial(chain[0])})
		unidentified(t, peers, chain, "the certificate of order with the serial number "+pki.Serial(chain[0])+" is revoked")
		peers.Trust(rootsOf(t, root), nil)
		identified(t, peers, chain, "order")
	})
	t.Run("root removed", func(t *testing.T) {
		peers.Trust(rootsOf(t, root, next), nil)
		identified(t, peers, chain, "order")
		peers.Trust(rootsOf(t, next), nil)
		unidentified(t, peers, chain, "is not signed by a root of orders.local that is trusted here")
		peers.Trust(nil, nil)
		unidentified(t, peers, chain, "no root is trusted here yet")
		peers.Trust(rootsOf(t, root), nil)
		identified(t, peers, chain, "order")
	})
	t.Run("expired", func(t *testing.T) {
		c.set(start.Add(lifetime))
		identified(t, peers, chain, "order")
		c.set(start.Add(lifetime + time.Second))
		unidentified(t, peers, chain, "the certificate has expired at 2026-03-02T12:00:00Z")
		c.set(start.Add(-pki.Backdate - time.Second))
		unidentified(t, peers, chain, "the certificate holds from 2026-03-01T11:00:00Z on")
		c.set(start)
		identified(t, peers, chain, "order")
	})
}

func TestARootThatHasExpired(t *testing.T) {
	root := authority(t, domain)
	end := root.Certificate().NotAfter
	long := forge(t, root.Certificate(), signer(t, root), func(c *x509.Certificate) { c.NotAfter = end.Add(lifetime) })
	c := at(end)
	peers := peersOf(t, c, root)
	identified(t, peers, []*x509.Certificate{long.Leaf}, "order") // and is remembered
	c.set(end.Add(time.Second))
	unidentified(t, peers, []*x509.Certificate{long.Leaf}, "the root of the certificate has expired at 2036-02-27T12:00:00Z")
}

func TestNobodyIsKnown(t *testing.T) {
	root := authority(t, domain)
	chain := []*x509.Certificate{member(t, root, "order").Current().Leaf}
	peers := pki.NewPeers(domain, at(start).Now)
	unidentified(t, peers, chain, "no root is trusted here yet")
	unidentified(t, peersOf(t, at(start), root), nil, "no certificate was presented")
	foreign, err := pki.NewRoots("shop.local", authority(t, "shop.local").Certificate())
	if err != nil {
		t.Fatal(err)
	}
	peers.Trust(foreign, nil)
	unidentified(t, peers, chain, "no root is trusted here yet")
}

func TestAGenerationIsAChange(t *testing.T) {
	a, b := authority(t, domain), authority(t, domain)
	peers := pki.NewPeers(domain, at(start).Now)
	for i, step := range []struct {
		roots   *pki.Roots
		revoked []string
		want    uint64
	}{
		{nil, nil, 0},
		{rootsOf(t, a), nil, 1},
		{rootsOf(t, a), []string{}, 1},
		{rootsOf(t, a, b), nil, 2},
		{rootsOf(t, b, a), nil, 2},
		{rootsOf(t, b, a), []string{"1", "2"}, 3},
		{rootsOf(t, b, a), []string{"2", "1", "2"}, 3},
		{rootsOf(t, b, a), []string{"2"}, 4},
		{rootsOf(t, b), []string{"2"}, 5},
		{nil, nil, 6},
	} {
		peers.Trust(step.roots, step.revoked)
		if got := peers.Generation(); got != step.want {
			t.Errorf("step %d: generation %d, want %d", i, got, step.want)
		}
	}
}

// TestARequestIsCheap: nothing is verified twice, and what is remembered is bounded.
func TestARequestIsCheap(t *testing.T) {
	root := authority(t, domain)
	peers := peersOf(t, at(start), root)
	stranger := forge(t, nil, nil, nil)
	for range 10 {
		_, err := peers.Identify([]*x509.Certificate{stranger.Leaf})
		fails(t, err, "is not signed")
	}
	if peers.Known() != 0 {
		t.Error("a refused certificate takes a place")
	}
	by := signer(t, root)
	var chain []*x509.Certificate
	for range pki.MaxKnown + 50 {
		chain = []*x509.Certificate{forge(t, root.Certificate(), by, nil).Leaf}
		identified(t, peers, chain, "order")
	}
	if got := peers.Known(); got != pki.MaxKnown {
		t.Errorf("%d certificates are remembered", got)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = peers.Identify(chain) }); n != 0 {
		t.Errorf("a known certificate costs %v allocations", n)
	}
}

func TestTrustChangesWhileItIsUsed(t *testing.T) {
	a, b := authority(t, domain), authority(t, domain)
	peers := pki.NewPeers(domain, at(start).Now)
	sets := []*pki.Roots{rootsOf(t, a), rootsOf(t, a, b)}
	peers.Trust(sets[0], nil)
	always := []*x509.Certificate{member(t, a, "order").Current().Leaf}
	never := []*x509.Certificate{forge(t, nil, nil, nil).Leaf}
	var group sync.WaitGroup
	for n := range 4 {
		group.Go(func() {
			for i := range 100 {
				peers.Trust(sets[(n+i)%2], []string{fmt.Sprint(i % 3)})
				identified(t, peers, always, "order")
				if _, err := peers.Identify(never); err == nil {
					t.Error("a stranger is known")
				}
			}
		})
	}
	group.Wait()
}

func BenchmarkIdentify(b *testing.B) {
	root := authority(b, domain)
	peers := peersOf(b, at(start), root)
	chain := []*x509.Certificate{member(b, root, "order").Current().Leaf}
	for b.Loop() {
		if _, err := peers.Identify(chain); err != nil {
			b.Fatal(err)
		}
	}
}
