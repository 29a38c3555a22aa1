package pki_test

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"testing"
	"time"

	"oms/platform/pki"
	"oms/platform/rpc"
)

// forge signs whatever change makes of a right certificate of order, as only a test (or a thief of the key) can.
func forge(t testing.TB, parent *x509.Certificate, parentKey crypto.Signer, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	template := &x509.Certificate{
		URIs:                  []*url.URL{parseURI(t, pki.ID(domain, "order"))},
		NotBefore:             start.Add(-time.Hour),
		NotAfter:              start.Add(lifetime),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	if parent == nil { // by itself
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, parent.Raw}, PrivateKey: key, Leaf: leaf}
}

func signer(t testing.TB, a *pki.Authority) crypto.Signer {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(keyOf(t, a))
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

// attack is a certificate that must not be believed.
type attack struct {
	name        string
	certificate *tls.Certificate
	why         string
}

// attacks are those on whoever trusts the root; the use is the right one of the attacked side.
func attacks(t testing.TB, root *pki.Authority, use x509.ExtKeyUsage) []attack {
	t.Helper()
	by := func(a *pki.Authority, change func(*x509.Certificate)) *tls.Certificate {
		return forge(t, a.Certificate(), signer(t, a), change)
	}
	named := func(ids ...string) *tls.Certificate {
		return by(root, func(c *x509.Certificate) {
			c.URIs = nil
			for _, id := range ids {
				c.URIs = append(c.URIs, parseURI(t, id))
			}
		})
	}
	authorityBelow := func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
	}
	alone := forge(t, nil, nil, nil)
	alone.Certificate = alone.Certificate[:1]
	posing := by(authority(t, domain), nil)
	posing.Certificate[1] = root.Certificate().Raw
	middle := by(root, authorityBelow)
	below := forge(t, middle.Leaf, middle.PrivateKey.(crypto.Signer), nil)
	below.Certificate = append(below.Certificate, root.Certificate().Raw)
	rootItself := &tls.Certificate{Certificate: [][]byte{root.Certificate().Raw}, PrivateKey: signer(t, root), Leaf: root.Certificate()}
	otherUse := x509.ExtKeyUsageClientAuth
	if use == otherUse {
		otherUse = x509.ExtKeyUsageServerAuth
	}
	outside := func(whereTheRootIsForAnyName string) string {
		if root.Unconstrained() {
			return whereTheRootIsForAnyName
		}
		return "is not authorized to sign for this name"
	}
	const unsigned = "the certificate is not signed by a root of orders.local that is trusted here"
	return []attack{
		{"self-signed with the right name", alone, unsigned},
		{"of another installation's root", by(authority(t, domain), nil), unsigned},
		{"of another root, with ours shown behind it", posing, unsigned},
		{"signed by an intermediate", below, unsigned},
		{"an authority as leaf", middle, "the certificate is that of an authority, not of a workload"},
		{"the root as leaf", rootItself, "the certificate is that of an authority, not of a workload"},
		{"a leaf that may sign", by(root, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCRLSign }), "is that of an authority"},
		{"a leaf that may not sign a handshake", by(root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), "is not for signing a handshake"},
		{"expired", by(root, func(c *x509.Certificate) { c.NotAfter = start.Add(-time.Second) }),
			"the certificate has expired at 2026-03-01T11:59:59Z, and this machine's clock says 2026-03-01T12:00:00Z"},
		{"not yet valid", by(root, func(c *x509.Certificate) { c.NotBefore = start.Add(time.Second) }),
			"the certificate holds from 2026-03-01T12:00:01Z on, and this machine's clock says 2026-03-01T12:00:00Z; set the clocks of both machines"},
		{"two URI names", named("spiffe://orders.local/order", "spiffe://orders.local/gateway"), "it has 2 names"},
		{"no URI name", named(), "it names no identity"},
		{"a DNS name only", by(root, func(c *x509.Certificate) { c.URIs, c.DNSNames = nil, []string{"order"} }), outside("its name is not a URI")},
		{"a DNS name besides", by(root, func(c *x509.Certificate) { c.DNSNames = []string{"order"} }), outside("it has 2 names")},
		{"a name of an unknown kind besides", by(root, func(c *x509.Certificate) {
			c.URIs, c.ExtraExtensions = nil, []pkix.Extension{otherName(t, "spiffe://orders.local/order")}
		}), "it has 2 names"},
		{"a foreign domain", named("spiffe://shop.local/order"), outside(`proves "spiffe://shop.local/order", which is no workload of orders.local`)},
		{"a domain that begins like ours", named("spiffe://orders.local.evil/order"), outside("which is no workload of orders.local")},
		{"a domain below ours", named("spiffe://a.orders.local/order"), outside("which is no workload of orders.local")},
		{"the domain itself", named("spiffe://orders.local"), "which is no workload of orders.local"},
		{"a longer path", named("spiffe://orders.local/order/2"), "which is no workload of orders.local"},
		{"another case", named("spiffe://orders.local/ORDER"), "which is no workload of orders.local"},
		{"an operator's name", named(pki.ID(domain, rpc.Operator)), "which is no workload of orders.local"},
		{"the name of whoever has none", named(pki.ID(domain, rpc.Anonymous)), "which is no workload of orders.local"},
		{"the wrong extended use", by(root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{otherUse} }),
			"the certificate of order is not for this side of a connection"},
		{"any extended use", by(root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }),
			"the certificate of order is not for this side of a connection"},
		{"no extended use", by(root, func(c *x509.Certificate) { c.ExtKeyUsage = nil }), "is not for this side of a connection"},
		{"an unknown critical extension", by(root, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), "the certificate does not hold: x509: unhandled critical extension"},
	}
}
