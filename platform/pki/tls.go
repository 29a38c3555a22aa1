package pki

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"oms/platform/observe/sampled"
)

// ClientTLS is the TLS of calls to a workload: TLS 1.3 without resumption, because a resumed session would outlive a
// change of trust. Every handshake presents the certificate that is then in use; without a key pair, or while it has
// none, it presents nothing.
func ClientTLS(own *KeyPair, peers *Peers, callee string) *tls.Config {
	config := clientTLS(func(state tls.ConnectionState) error { return peers.Expect(state.PeerCertificates, callee) })
	if own != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return cmp.Or(own.Current(), new(tls.Certificate)), nil // an empty one is none, as the callee will say
		}
	}
	return config
}

// PinnedTLS is the TLS of a client that knows nothing of an installation but the fingerprint of one root (see
// [Fingerprint]): to get a certificate of its own. The server shows that root behind its certificate, which the root must
// have signed for the workload. The client presents nothing.
func PinnedTLS(domain, fingerprint, workload string, now func() time.Time) *tls.Config {
	return clientTLS(func(state tls.ConnectionState) error {
		chain := state.PeerCertificates
		n := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return Fingerprint(c) == fingerprint })
		if n < 0 {
			return fmt.Errorf("%s does not show a root with the fingerprint %s; compare it, and the address, with those of the installation",
				workload, fingerprint)
		}
		roots, err := NewRoots(domain, chain[n])
		if err != nil {
			return err
		}
		peers := NewPeers(domain, now)
		peers.Trust(roots, nil)
		return peers.Expect(chain, workload)
	})
}

// clientTLS leaves the judgement of the server to verify: crypto/tls knows host names, and a workload has another name. A
// refusal is of the same type as one of crypto/tls.
func clientTLS(verify func(tls.ConnectionState) error) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, //nolint:gosec // the check by host name alone: VerifyConnection judges the certificate
		VerifyConnection: func(state tls.ConnectionState) error {
			if err := verify(state); err != nil {
				return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
			}
			return nil
		},
	}
}

// Listener is the TLS of a listener that other workloads call. Whoever comes presents a certificate, and is refused where
// [Peers.Identify] does not know it.
type Listener struct {
	Name      string // in the log: "internal listener"
	KeyPair   *KeyPair
	Peers     *Peers
	Anonymous bool // lets clients in that present no certificate; one that is presented must hold all the same
	Log       *slog.Logger
}

// TLS is the configuration: TLS 1.3 without resumption, because a resumed session would bring back a peer that is trusted
// no more (CVE-2025-68121). Every refusal is one warning in the log, which no flood of them can fill.
func (l Listener) TLS() *tls.Config {
	refusals := sampled.New(l.Log.With("listener", l.Name), l.Peers.now)
	tell := func(from net.Addr, why error) {
		refusals.Log(context.Background(), slog.LevelWarn, "a connection was refused", "from", from.String(), "why", why.Error())
	}
	config := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true,
		ClientAuth:             tls.RequestClientCert, // and judged below, where the reason of a refusal is known
		// What net/http would add: it does not see the configuration of the single connection.
		NextProtos: []string{"h2", "http/1.1"},
	}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		from := hello.Conn.RemoteAddr()
		if !slices.Contains(hello.SupportedVersions, tls.VersionTLS13) {
			tell(from, errors.New("the client does not speak TLS 1.3")) // the handshake ends with the right alert
		}
		connection := config.Clone()
		connection.GetConfigForClient = nil
		connection.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			certificate, err := l.KeyPair.GetCertificate(hello)
			if err != nil {
				tell(from, err)
			}
			return certificate, err
		}
		connection.VerifyConnection = func(state tls.ConnectionState) error {
			if l.Anonymous && len(state.PeerCertificates) == 0 {
				return nil
			}
			_, err := l.Peers.Identify(state.PeerCertificates)
			if err != nil {
				tell(from, err)
			}
			return err
		}
		return connection, nil
	}
	return config
}
