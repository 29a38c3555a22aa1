package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
	"oms/platform/rpc"
)

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parseURI(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// request asks for what change makes of the right request of order.
func request(t testing.TB, key crypto.Signer, change func(*x509.CertificateRequest)) []byte {
	t.Helper()
	template := &x509.CertificateRequest{URIs: []*url.URL{parseURI(t, pki.ID(domain, "order"))}}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func nameless(r *x509.CertificateRequest) { r.URIs = nil }

func TestTheCertificateOfAWorkload(t *testing.T) {
	root, key := authority(t, domain), ecKey(t, elliptic.P256())
	cert, err := root.IssueWorkload(request(t, key, nil), "order", start, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case cert.CheckSignatureFrom(root.Certificate()) != nil:
		t.Error("the root has not signed it")
	case !key.PublicKey.Equal(cert.PublicKey):
		t.Error("it is for another key")
	case cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageDigitalSignature:
		t.Error("it can do more than a leaf")
	case !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}):
		t.Errorf("it is for %v", cert.ExtKeyUsage)
	case len(cert.URIs) != 1 || cert.URIs[0].String() != "spiffe://orders.local/order" || len(cert.DNSNames)+len(cert.IPAddresses)+len(cert.EmailAddresses) != 0:
		t.Errorf("it names %v %v", cert.URIs, cert.DNSNames)
	case !cert.NotBefore.Equal(start.Add(-pki.Backdate)) || !cert.NotAfter.Equal(start.Add(lifetime)):
		t.Errorf("it holds from %s to %s", cert.NotBefore, cert.NotAfter)
	}
}

func TestTheCertificateOfThePublicListener(t *testing.T) {
	hosts := []string{"Orders.Example.com", "127.0.0.1", "::1"}
	root := publicAuthority(t, hosts...)
	cert, err := root.IssueServer(request(t, ecKey(t, elliptic.P256()), nameless), hosts, start, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) || cert.IsCA || cert.KeyUsage != x509.KeyUsageDigitalSignature:
		t.Errorf("it can do %v %v", cert.ExtKeyUsage, cert.KeyUsage)
	case cert.Subject.CommonName != "" || !slices.Equal(cert.Subject.Organization, []string{domain}):
		t.Errorf("it is called %s", cert.Subject)
	case len(cert.AuthorityKeyId) == 0 || cert.SerialNumber.BitLen() < 64: // of which 64 have to be random (CA/Browser Forum, 7.1)
		t.Error("its issuer or its serial number cannot be told from another")
	case len(cert.URIs) != 0 || !slices.Equal(cert.DNSNames, []string{"orders.example.com"}) || len(cert.IPAddresses) != 2:
		t.Errorf("it names %v %v %v", cert.URIs, cert.DNSNames, cert.IPAddresses)
	case !cert.NotBefore.Equal(start.Add(-pki.Backdate)) || !cert.NotAfter.Equal(start.Add(lifetime)):
		t.Errorf("it holds from %s to %s", cert.NotBefore, cert.NotAfter)
	}
	fails(t, peersOf(t, at(start), authority(t, domain)).Expect([]*x509.Certificate{cert}, "gateway"), "is not signed by a root")
	before := unconstrained(t)
	if cert, err = before.IssueServer(request(t, ecKey(t, elliptic.P256()), nameless), hosts, start, lifetime); err != nil {
		t.Fatal(err)
	}
	fails(t, peersOf(t, at(start), before).Expect([]*x509.Certificate{cert}, "gateway"), "it has 3 names")
}

// TestARequestForAnythingElse is what a workload could try to get with its right to one certificate.
func TestARequestForAnythingElse(t *testing.T) {
	root, key := authority(t, domain), ecKey(t, elliptic.P256())
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	right := request(t, key, nil)
	broken := slices.Clone(right)
	broken[len(broken)-1] ^= 1
	uris := func(ids ...string) func(*x509.CertificateRequest) {
		return func(r *x509.CertificateRequest) {
			r.URIs = nil
			for _, id := range ids {
				r.URIs = append(r.URIs, parseURI(t, id))
			}
		}
	}
	isCA := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 0x03, 0x01, 0x01, 0xff}}
	for _, c := range []struct {
		name    string
		request []byte
		text    string
	}{
		{"another identity", request(t, key, uris("spiffe://orders.local/gateway")), "another identity than spiffe://orders.local/order"},
		{"a foreign domain", request(t, key, uris("spiffe://shop.local/order")), "another identity"},
		{"the domain itself", request(t, key, uris("spiffe://orders.local")), "another identity"},
		{"two identities", request(t, key, uris("spiffe://orders.local/order", "spiffe://orders.local/gateway")), "it has 2 names"},
		{"the same identity twice", request(t, key, uris("spiffe://orders.local/order", "spiffe://orders.local/order")), "it has 2 names"},
		{"no identity", request(t, key, nameless), "it names no identity"},
		{"a DNS name besides", request(t, key, func(r *x509.CertificateRequest) { r.DNSNames = []string{"localhost"} }), "it has 2 names"},
		{"an address besides", request(t, key, func(r *x509.CertificateRequest) { r.IPAddresses = []net.IP{net.IPv6loopback} }), "it has 2 names"},
		{"an email address besides", request(t, key, func(r *x509.CertificateRequest) { r.EmailAddresses = []string{"a@b"} }), "it has 2 names"},
		{"a DNS name alone", request(t, key, func(r *x509.CertificateRequest) { r.URIs, r.DNSNames = nil, []string{"order"} }), "its name is not a URI"},
		{"a name of another kind besides", request(t, key, func(r *x509.CertificateRequest) {
			r.URIs, r.ExtraExtensions = nil, []pkix.Extension{otherName(t, "spiffe://orders.local/order")}
		}), "it has 2 names"},
		{"to be an authority", request(t, key, func(r *x509.CertificateRequest) { r.ExtraExtensions = []pkix.Extension{isCA} }), "it asks for the extension 2.5.29.19"},
		{"a subject", request(t, key, func(r *x509.CertificateRequest) { r.Subject.CommonName = "gateway" }), "it asks for a subject"},
		{"an RSA key", request(t, rsaKey, nil), "its key is not an ECDSA P-256 key"},
		{"another curve", request(t, ecKey(t, elliptic.P384()), nil), "its key is not an ECDSA P-256 key"},
		{"a broken signature", broken, "it is not signed with the key that it is for"},
		{"another one's key", keySwapped(t, right, ecKey(t, elliptic.P256())), "it is not signed with the key that it is for"},
		{"nothing", nil, "it cannot be read"},
		{"half a request", right[:len(right)/2], "it cannot be read"},
		{"two requests", append(slices.Clone(right), right...), "it cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cert, err := root.IssueWorkload(c.request, "order", start, lifetime)
			fails(t, err, c.text)
			if cert != nil || !errors.Is(err, pki.ErrRequest) {
				t.Errorf("got %v, %v", cert, err)
			}
		})
	}
	t.Run("a name for the public listener", func(t *testing.T) {
		_, err := root.IssueServer(right, []string{"localhost"}, start, lifetime)
		fails(t, err, "it asks for the extension 2.5.29.17")
	})
}

// otherName is an extension with the URI, and a name of a kind that crypto/x509 passes over.
func otherName(t testing.TB, uri string) pkix.Extension {
	t.Helper()
	value, err := asn1.Marshal([]asn1.RawValue{
		{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(uri)},
		{Class: asn1.ClassContextSpecific, Tag: 8, Bytes: []byte{0x2a, 0x03}}, // registeredID
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: value}
}

// keySwapped puts another public key into a request.
func keySwapped(t testing.TB, der []byte, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := r.PublicKey.(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	other, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.Replace(string(der), string(mine), string(other), 1))
}

func TestWhatARootDoesNotIssue(t *testing.T) {
	root, public, key := authority(t, domain), publicAuthority(t, "localhost"), ecKey(t, elliptic.P256())
	right, plain := request(t, key, nil), request(t, key, nameless)
	end := root.Certificate().NotAfter
	for _, c := range []struct {
		now      time.Time
		lifetime time.Duration
		text     string
	}{
		{end, lifetime, "the private root has expired at 2036-02-27T12:00:00Z; make a new one"},
		{start.Add(-2 * time.Hour), lifetime, "the private root holds from 2026-03-01T11:00:00Z on, and this machine's clock says 2026-03-01T10:00:00Z; set the clock"},
		{start, 0, "for the lifetime 0s"},
		{start, -time.Hour, "for the lifetime -1h0m0s"},
	} {
		_, err := root.IssueWorkload(right, "order", c.now, c.lifetime)
		fails(t, err, c.text)
		_, err = public.IssueServer(plain, []string{"localhost"}, c.now, c.lifetime)
		fails(t, err, c.text)
		if errors.Is(err, pki.ErrRequest) {
			t.Errorf("%v blames the request", err)
		}
	}
	for _, workload := range []string{"", "Order", "order/2", "../gateway", rpc.Operator, rpc.Anonymous} {
		_, err := root.IssueWorkload(right, workload, start, lifetime)
		fails(t, err, "it is not the name of a workload")
	}
	for _, hosts := range [][]string{nil, {""}, {"localhost", ""}, {"local host"}, {"a..b"}, {"localhost:9090"}, {"*.example.com"}, {"fe80::1%eth0"}, {"münchen"}, {strings.Repeat("a", 64)}, {strings.Repeat("a.", 127) + "a"}} {
		_, err := public.IssueServer(plain, hosts, start, lifetime)
		fails(t, err, "no certificate can be issued")
		_, err = pki.NewPublicAuthority(domain, hosts, start)
		fails(t, err, "no certificate can be issued")
	}
	_, err := public.IssueWorkload(right, "order", start, lifetime)
	fails(t, err, "no certificate can be issued")
	_, err = root.IssueServer(plain, []string{"localhost"}, start, lifetime)
	fails(t, err, "no certificate can be issued that others would accept: x509: a root or intermediate certificate is not authorized")
	_, err = public.IssueServer(plain, []string{"localhost", "example.com"}, start, lifetime)
	fails(t, err, "no certificate can be issued that others would accept: x509: a root or intermediate certificate is not authorized")
}

func TestACertificateDoesNotOutliveItsRoot(t *testing.T) {
	root := authority(t, domain)
	end := root.Certificate().NotAfter
	cert, err := root.IssueWorkload(request(t, ecKey(t, elliptic.P256()), nil), "order", end.Add(-time.Hour), lifetime)
	if err != nil || !cert.NotAfter.Equal(end) {
		t.Errorf("it ends at %v, the root at %s, %v", cert.NotAfter, end, err)
	}
}
