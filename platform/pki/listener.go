package pki

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"

	"oms/platform/observe/sampled"
)

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
