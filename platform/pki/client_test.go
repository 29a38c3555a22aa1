package pki_test

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
)

// showing is a server with this certificate that asks for none.
func showing(certificate *tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*certificate}}
}

func TestAClientRefusesServers(t *testing.T) { eachRoot(t, aClientRefusesServers) }

func aClientRefusesServers(t *testing.T, root *pki.Authority) {
	why := "order could not prove itself: the certificate is not signed by a root"
	if root.Unconstrained() {
		why = "order could not prove itself: the certificate proves nobody: it has 2 names"
	}
	own := member(t, root, "gateway")
	list := append(attacks(t, root, x509.ExtKeyUsageServerAuth),
		attack{"another workload", member(t, root, "inventory").Current(), "order was called and inventory answered; correct the address of order"},
		attack{"the public listener", publicCertificate(t, root, "localhost", "127.0.0.1"), why})
	for _, a := range list {
		t.Run(a.name, func(t *testing.T) {
			m := meet(t, showing(a.certificate), pki.ClientTLS(own, peersOf(t, at(start), root), "order"))
			fails(t, m.client, a.why)
			if m.server == nil {
				t.Error("the server believes that it was called")
			}
		})
		t.Run(a.name+", at the first contact", func(t *testing.T) {
			m := meet(t, showing(a.certificate), pki.PinnedTLS(domain, root.Fingerprint(), "order", at(start).Now))
			if m.client == nil || m.server == nil {
				t.Errorf("the client has %v, the server %v", m.client, m.server)
			}
		})
	}
}

func TestAClientRefusesOldTLS(t *testing.T) {
	root := authority(t, domain)
	server := showing(member(t, root, "order").Current())
	server.MaxVersion = tls.VersionTLS12
	for _, client := range []*tls.Config{
		pki.ClientTLS(nil, peersOf(t, at(start), root), "order"), pki.PinnedTLS(domain, root.Fingerprint(), "order", at(start).Now),
	} {
		if m := meet(t, server, client); m.client == nil || !strings.Contains(m.client.Error(), "protocol version") {
			t.Errorf("got %v", m.client)
		}
	}
}

func TestAClientPresentsWhatItHasThen(t *testing.T) {
	root := authority(t, domain)
	peers := peersOf(t, at(start), root)
	var log lines
	server := pki.Listener{KeyPair: member(t, root, "order"), Peers: peers, Anonymous: true, Log: log.logger()}.TLS()
	own := openKeyPair(t, filepath.Join(t.TempDir(), "gateway.pem"))
	client := pki.ClientTLS(own, peers, "order")
	for range 3 {
		m := meet(t, server, client)
		both(t, m)
		if got := m.serverState.PeerCertificates; own.Current() == nil {
			if len(got) != 0 {
				t.Error("it presents something")
			}
		} else if len(got) != 2 || !got[0].Equal(own.Current().Leaf) || !got[1].Equal(root.Certificate()) {
			t.Errorf("it presents %d certificates", len(got))
		}
		renew(t, own, pki.ID(domain, "gateway"), grants(root, "gateway"))
	}
	m := meet(t, server, pki.ClientTLS(nil, peers, "order"))
	both(t, m)
	if len(m.serverState.PeerCertificates) != 0 {
		t.Error("a client without an identity presents something")
	}
}

func TestTheFirstContact(t *testing.T) {
	a, b := authority(t, domain), authority(t, domain)
	sts := member(t, a, "sts")
	rootless := *sts.Current()
	rootless.Certificate = rootless.Certificate[:1]
	foreign := authority(t, "shop.local")
	ofForeign := forge(t, foreign.Certificate(), signer(t, foreign), func(c *x509.Certificate) { c.URIs = nil })
	const fingerprint = "sts does not show a root with the fingerprint "
	for _, c := range []struct {
		name, fingerprint, workload string
		certificate                 *tls.Certificate
		now                         time.Time
		why                         string
	}{
		{"the right server", a.Fingerprint(), "sts", sts.Current(), start, ""},
		{"another fingerprint", b.Fingerprint(), "sts", sts.Current(), start, fingerprint + b.Fingerprint()},
		{"no fingerprint", "", "sts", sts.Current(), start, fingerprint},
		{"part of the fingerprint", a.Fingerprint()[:8], "sts", sts.Current(), start, fingerprint},
		{"the leaf's fingerprint", pki.Fingerprint(sts.Current().Leaf), "sts", sts.Current(), start, "is not that of a root"},
		{"the root is not shown", a.Fingerprint(), "sts", &rootless, start, fingerprint},
		{"another workload", a.Fingerprint(), "sts", member(t, a, "order").Current(), start, "sts was called and order answered"},
		{"another domain's root", foreign.Fingerprint(), "sts", ofForeign, start, "is the root of another trust domain than orders.local"},
		{"too late", a.Fingerprint(), "sts", sts.Current(), start.Add(2 * lifetime), "the certificate has expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := meet(t, showing(c.certificate), pki.PinnedTLS(domain, c.fingerprint, c.workload, at(c.now).Now))
			if c.why == "" {
				both(t, m)
				return
			}
			fails(t, m.client, c.why)
		})
	}
}

// TestTheFirstContactTellsNothing: whoever has no certificate yet presents none, also where it is asked to.
func TestTheFirstContactTellsNothing(t *testing.T) {
	root := authority(t, domain)
	var log lines
	server := pki.Listener{KeyPair: member(t, root, "sts"), Peers: peersOf(t, at(start), root), Anonymous: true, Log: log.logger()}
	m := meet(t, server.TLS(), pki.PinnedTLS(domain, root.Fingerprint(), "sts", at(start).Now))
	both(t, m)
	if len(m.serverState.PeerCertificates) != 0 {
		t.Error("it presents something")
	}
}

// TestACertificateWithoutItsKey: certificates are no secret, so a copy of one must prove nothing.
func TestACertificateWithoutItsKey(t *testing.T) {
	root := authority(t, domain)
	peers := peersOf(t, at(start), root)
	copied := *member(t, root, "order").Current()
	copied.PrivateKey = ecKey(t, elliptic.P256())
	var log lines
	listener := pki.Listener{KeyPair: member(t, root, "sts"), Peers: peers, Anonymous: true, Log: log.logger()}
	m := meet(t, listener.TLS(), presenting(&copied))
	fails(t, m.server, "invalid signature by the client certificate")
	for _, client := range []*tls.Config{
		pki.ClientTLS(nil, peers, "order"), pki.PinnedTLS(domain, root.Fingerprint(), "order", at(start).Now),
	} {
		fails(t, meet(t, showing(&copied), client).client, "invalid signature by the server certificate")
	}
}
