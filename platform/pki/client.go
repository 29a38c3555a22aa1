package pki

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
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
