package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
)

// presenting is a client that shows this certificate, or none, and believes every server.
func presenting(certificate *tls.Certificate) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if certificate == nil {
				return &tls.Certificate{}, nil
			}
			return certificate, nil
		},
	}
}

// refused wants a connection that both sides know to have failed, and one line in the log.
func refused(t *testing.T, m meeting, log *lines, why string) {
	t.Helper()
	if m.server == nil || m.client == nil {
		t.Errorf("the server has %v, the client %v", m.server, m.client)
	}
	got := log.all()
	for _, part := range []string{"level=WARN", `msg="a connection was refused"`, `listener="internal listener"`, "from=" + m.from, why} {
		if len(got) != 1 || !strings.Contains(strings.ReplaceAll(got[0], `\"`, `"`), part) {
			t.Errorf("want one line with %s, got %q", part, got)
		}
	}
}

func TestAListenerRefusesClients(t *testing.T) { eachRoot(t, aListenerRefusesClients) }

func aListenerRefusesClients(t *testing.T, root *pki.Authority) {
	server := member(t, root, "sts")
	why := "the certificate is not signed by a root"
	if root.Unconstrained() {
		why = "its name is not a URI"
	}
	list := append(attacks(t, root, x509.ExtKeyUsageClientAuth),
		attack{"no certificate", nil, "no certificate was presented"},
		attack{"the public listener's certificate", publicCertificate(t, root, "localhost"), why})
	for _, a := range list {
		t.Run(a.name, func(t *testing.T) {
			var log lines
			listener := pki.Listener{Name: "internal listener", KeyPair: server, Peers: peersOf(t, at(start), root), Log: log.logger()}
			refused(t, meet(t, listener.TLS(), presenting(a.certificate)), &log, a.why)
		})
		t.Run(a.name+", where strangers may come", func(t *testing.T) {
			var log lines
			listener := pki.Listener{Name: "internal listener", KeyPair: server, Peers: peersOf(t, at(start), root), Anonymous: true, Log: log.logger()}
			m := meet(t, listener.TLS(), presenting(a.certificate))
			if a.certificate != nil {
				refused(t, m, &log, a.why)
				return
			}
			both(t, m)
			if len(m.serverState.PeerCertificates) != 0 {
				t.Error("a stranger has a certificate")
			}
		})
	}
}

func TestAListenerRefusesOldTLS(t *testing.T) {
	root := authority(t, domain)
	var log lines
	listener := pki.Listener{Name: "internal listener", KeyPair: member(t, root, "sts"), Peers: peersOf(t, at(start), root), Log: log.logger()}
	client := presenting(member(t, root, "order").Current())
	client.MaxVersion = tls.VersionTLS12
	m := meet(t, listener.TLS(), client)
	refused(t, m, &log, "the client does not speak TLS 1.3")
	fails(t, m.client, "protocol version not supported")
}

func TestAListenerWithoutACertificateSaysSo(t *testing.T) {
	root := authority(t, domain)
	own := openKeyPair(t, filepath.Join(t.TempDir(), "sts.pem"))
	var log lines
	listener := pki.Listener{Name: "internal listener", KeyPair: own, Peers: peersOf(t, at(start), root), Log: log.logger()}
	config, client := listener.TLS(), presenting(member(t, root, "order").Current())
	refused(t, meet(t, config, client), &log, "this process has no certificate yet")
	renew(t, own, pki.ID(domain, "sts"), grants(root, "sts"))
	both(t, meet(t, config, client))
}

func TestAListenerFollowsWhatIsTrusted(t *testing.T) {
	a, b := authority(t, domain), authority(t, domain)
	peers := pki.NewPeers(domain, at(start).Now)
	var log lines
	config := pki.Listener{Name: "internal listener", KeyPair: member(t, a, "sts"), Peers: peers, Log: log.logger()}.TLS()
	old, young := presenting(member(t, a, "order").Current()), presenting(member(t, b, "order").Current())
	for _, step := range []struct {
		roots      *pki.Roots
		old, young bool
	}{
		{nil, false, false},
		{rootsOf(t, a), true, false},
		{rootsOf(t, a, b), true, true},
		{rootsOf(t, b), false, true},
		{nil, false, false},
	} {
		peers.Trust(step.roots, nil)
		if m := meet(t, config, old); (m.server == nil) != step.old {
			t.Errorf("the old root's: %v", m.server)
		}
		if m := meet(t, config, young); (m.server == nil) != step.young {
			t.Errorf("the new root's: %v", m.server)
		}
	}
}

// sessions counts what a client could resume.
type sessions struct {
	tls.ClientSessionCache
	kept int
}

func (s *sessions) Put(key string, state *tls.ClientSessionState) {
	if state != nil {
		s.kept++
	}
	s.ClientSessionCache.Put(key, state)
}

func TestASessionCannotBeResumed(t *testing.T) {
	root := authority(t, domain)
	peers := peersOf(t, at(start), root)
	own := member(t, root, "order")
	t.Run("at a listener", func(t *testing.T) {
		var log lines
		config := pki.Listener{KeyPair: own, Peers: peers, Log: log.logger()}.TLS()
		kept := &sessions{ClientSessionCache: tls.NewLRUClientSessionCache(10)}
		client := presenting(own.Current())
		client.ServerName, client.ClientSessionCache = "localhost", kept
		for range 3 {
			m := meet(t, config, client)
			both(t, m)
			if m.serverState.DidResume || kept.kept > 0 {
				t.Error("a session was resumed or can be")
			}
		}
	})
	t.Run("by a client", func(t *testing.T) {
		server := &tls.Config{Certificates: []tls.Certificate{*own.Current()}} // with tickets
		client := pki.ClientTLS(own, peers, "order")
		client.ServerName = "localhost"
		for range 3 {
			m := meet(t, server, client)
			both(t, m)
			if m.serverState.DidResume {
				t.Error("a session was resumed")
			}
		}
	})
}

func TestAFloodOfRefusalsDoesNotFillTheLog(t *testing.T) {
	root := authority(t, domain)
	c := at(start)
	var log lines
	config := pki.Listener{KeyPair: member(t, root, "sts"), Peers: peersOf(t, c, root), Log: log.logger()}.TLS()
	flood := func(n int) {
		for range n {
			meet(t, config, presenting(nil))
		}
	}
	flood(33)
	if got := log.all(); len(got) != 20 || strings.Contains(fmt.Sprint(got), "suppressed") {
		t.Fatalf("%d lines: %q", len(got), got)
	}
	c.set(start.Add(time.Second))
	flood(33)
	got := log.all()
	if len(got) != 22 || !strings.Contains(got[20], "suppressed=13") || strings.Contains(got[21], "suppressed") {
		t.Errorf("%d lines: %q", len(got), got[20:])
	}
	c.set(start.Add(time.Hour))
	flood(1)
	if got := log.all(); len(got) != 23 || !strings.Contains(got[22], "suppressed=31") {
		t.Errorf("%d lines: %q", len(got), got[20:])
	}
}
