// Package pki proves workloads to each other: the private roots of an installation, the certificates that they sign, and
// who is believed to be whom over TLS.
//
// A workload is named by a SPIFFE ID in its certificate. There may be several roots at once, so that one can be replaced
// while the certificates of the other are still in use. The package promises that a private key is never printed and
// never stored where others could read it, that files are never half made, that a certificate is renewed without a
// restart, and that a root or a certificate that is trusted no more is refused by the very next call of [Peers], on
// connections that are open already too. It asks no outside authority and publishes no revocation lists: leaves are
// short-lived, and what is revoked before its time is told to [Peers.Trust].
package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"time"
)

// Backdate lets a certificate hold for peers whose clock is behind the issuer's.
const Backdate = time.Hour

// Serial names a certificate where certificates are revoked: its serial number in lower-case hex.
func Serial(certificate *x509.Certificate) string { return certificate.SerialNumber.Text(16) }

// Fingerprint is the SHA-256 of the certificate in lower-case hex: what people compare.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ErrRequest is what an issuer's errors are (see [errors.Is]) where the request is at fault, and not the issuer.
var ErrRequest = errors.New("the certificate request cannot be granted")
