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
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
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

// ChainFingerprint is the [Fingerprint] of the last certificate of a chain: the root, as our issuer shows it.
func ChainFingerprint(c *tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[len(c.Certificate)-1])
	return hex.EncodeToString(sum[:])
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ErrRequest is what an issuer's errors are (see [errors.Is]) where the request is at fault, and not the issuer.
var ErrRequest = errors.New("the certificate request cannot be granted")

// maxWorkload is the longest name of a workload: that of a DNS label, so that it can be a host's name too.
const maxWorkload = 63

// ID is the identity of a workload: spiffe://DOMAIN/WORKLOAD (SPIFFE ID; X509-SVID, section 2).
func ID(domain, workload string) string { return "spiffe://" + domain + "/" + workload }

// Workload is the inverse of [ID]: the workload that a text names in the domain. A workload is a-z, then up to 62 of
// a-z, 0-9 and -; a text that could be read in two ways, such as one with an escape or an empty query, names nobody.
// Nor does one with the name of callers that are no workloads; package rpc says who they are.
func Workload(domain, id string) (workload string, ok bool) {
	name, found := strings.CutPrefix(id, ID(domain, ""))
	if !found || !workloadName(name) {
		return "", false
	}
	return name, true
}

func workloadName(name string) bool {
	const letters, others = "abcdefghijklmnopqrstuvwxyz", "0123456789-"
	return name != "" && name != "operator" && name != "stranger" && len(name) <= maxWorkload &&
		strings.Contains(letters, name[:1]) && strings.Trim(name, letters+others) == ""
}

// uri is an identity as templates take it. A domain's own ID has no path (X509-SVID, section 3.1).
func uri(domain, workload string) *url.URL {
	if workload == "" {
		return &url.URL{Scheme: "spiffe", Host: domain}
	}
	return &url.URL{Scheme: "spiffe", Host: domain, Path: "/" + workload}
}

// onlyURI is the URI that is the only name in a certificate or a request. It reads the extension itself, because the
// parser of crypto/x509 passes over names of kinds that it does not know.
func onlyURI(extensions []pkix.Extension) (string, error) {
	const tagURI = 6 // RFC 5280, section 4.2.1.6
	var names []asn1.RawValue
	for _, extension := range extensions {
		if !isNames(extension) {
			continue
		}
		var more []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &more); err != nil || len(rest) > 0 {
			return "", errors.New("its names cannot be read")
		}
		names = append(names, more...)
	}
	switch {
	case len(names) == 0:
		return "", errors.New("it names no identity")
	case len(names) > 1:
		return "", fmt.Errorf("it has %d names, and an identity stands alone", len(names))
	case names[0].Class != asn1.ClassContextSpecific || names[0].Tag != tagURI:
		return "", errors.New("its name is not a URI")
	}
	return string(names[0].Bytes), nil
}

// isNames reports whether an extension is the subject alternative name.
func isNames(extension pkix.Extension) bool {
	return extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17})
}
