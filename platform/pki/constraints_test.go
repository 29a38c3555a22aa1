package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"oms/platform/pki"
)

// rootCase is a root, and what whoever trusts it must believe and must not believe it about. A name is written with its
// kind, as openssl does: DNS:localhost; several stand in one certificate.
type rootCase struct {
	name            string
	root            *pki.Authority
	trusted, others []string
}

func rootCases(t testing.TB) []rootCase {
	t.Helper()
	return []rootCase{
		{
			"of the public listener on loopback", publicAuthority(t, "localhost", "127.0.0.1", "::1"),
			[]string{"DNS:localhost", "DNS:LOCALHOST", "IP:127.0.0.1", "IP:::1", "DNS:localhost IP:127.0.0.1 IP:::1"},
			[]string{
				"DNS:example.com", "DNS:a.localhost", "DNS:*.localhost", "DNS:xlocalhost", "DNS:localhost.example.com", "DNS:localhost DNS:example.com", "DNS:invalid",
				"IP:127.0.0.2", "IP:10.0.0.1", "IP:::2", "IP:127.0.0.1 IP:10.0.0.1",
				"email:a@localhost", "email:a@example.com", "email:a@invalid", "DNS:localhost email:a@example.com",
				"URI:https://localhost/", "URI:spiffe://orders.local/order", "URI:spiffe://invalid/order", "CN:example.com",
			},
		},
		{
			"of a public listener with a name alone", publicAuthority(t, "shop.example.com"),
			[]string{"DNS:shop.example.com"},
			[]string{"DNS:example.com", "DNS:a.shop.example.com", "DNS:*.example.com", "DNS:localhost", "IP:127.0.0.1", "IP:::1", "IP:0.0.0.0", "email:a@shop.example.com", "URI:https://shop.example.com/"},
		},
		{
			"of a public listener with an address alone", publicAuthority(t, "192.0.2.1"),
			[]string{"IP:192.0.2.1"},
			[]string{"IP:192.0.2.2", "IP:::1", "DNS:localhost", "DNS:192.0.2.1", "DNS:com", "email:a@example.com", "URI:https://example.com/", "CN:example.com"},
		},
		{
			"of a public listener with a name below another", publicAuthority(t, "example.com", "shop.example.com"),
			[]string{"DNS:example.com", "DNS:shop.example.com"},
			[]string{"DNS:a.shop.example.com", "DNS:example.org", "DNS:com", "IP:127.0.0.1"},
		},
		{
			"of the workloads", authority(t, domain),
			[]string{"URI:spiffe://orders.local/order", "URI:spiffe://orders.local/gateway"},
			[]string{
				"URI:spiffe://shop.local/order", "URI:spiffe://a.orders.local/order", "URI:spiffe://orders.local.evil/order", "URI:spiffe://xorders.local/order",
				"URI:https://example.com/", "URI:spiffe://invalid/order", "URI:spiffe://10.0.0.1/order",
				"DNS:orders.local", "DNS:localhost", "DNS:invalid", "IP:127.0.0.1", "IP:::1", "email:a@orders.local", "email:a@invalid",
				"URI:spiffe://orders.local/order DNS:orders.local", "CN:orders.local",
			},
		},
	}
}

// forgeNames signs for these names with a root's key, as its thief could.
func forgeNames(t testing.TB, root *pki.Authority, names string) *tls.Certificate {
	t.Helper()
	return forge(t, root.Certificate(), signer(t, root), func(c *x509.Certificate) {
		c.URIs = nil
		for name := range strings.FieldsSeq(names) {
			kind, text, _ := strings.Cut(name, ":")
			switch kind {
			case "DNS":
				c.DNSNames = append(c.DNSNames, text)
			case "IP":
				c.IPAddresses = append(c.IPAddresses, net.ParseIP(text))
			case "email":
				c.EmailAddresses = append(c.EmailAddresses, text)
			case "URI":
				c.URIs = append(c.URIs, parseURI(t, text))
			case "CN":
				c.Subject = pkix.Name{CommonName: text}
			}
		}
	})
}

func TestARootIsTrustedForItsNamesAlone(t *testing.T) {
	for _, c := range rootCases(t) {
		pool := x509.NewCertPool()
		pool.AddCert(c.root.Certificate())
		trusts := func(names string) error {
			_, err := forgeNames(t, c.root, names).Leaf.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
			return err
		}
		for _, names := range c.trusted {
			if err := trusts(names); err != nil {
				t.Errorf("the root %s: %s: %v", c.name, names, err)
			}
		}
		for _, names := range c.others {
			if err := trusts(names); err == nil && !strings.HasPrefix(names, "CN:") { // which Go takes for no name
				t.Errorf("the root %s is trusted for %s", c.name, names)
			}
		}
	}
}

// What OpenSSL does counts for curl, and for most clients that are not written in Go.
func TestOpenSSLTrustsARootForItsNamesAlone(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil && os.Getenv("NO_SKIP") != "" {
		t.Fatal("openssl is not installed: install Debian's package openssl")
	}
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	root, leaf := filepath.Join(dir, "root.pem"), filepath.Join(dir, "leaf.pem")
	file := func(path string, der []byte) {
		t.Helper()
		write(t, path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	}
	for _, c := range rootCases(t) {
		file(root, c.root.Certificate().Raw)
		verify := func(names string) (string, error) {
			file(leaf, forgeNames(t, c.root, names).Leaf.Raw)
			said, err := exec.CommandContext(t.Context(), openssl, "verify", "-x509_strict", "-attime", strconv.FormatInt(start.Unix(), 10), "-CAfile", root, leaf).CombinedOutput()
			return string(said), err
		}
		for _, names := range c.trusted {
			if said, err := verify(names); err != nil {
				t.Errorf("the root %s: %s: %s", c.name, names, said)
			}
		}
		for _, names := range c.others {
			// It can also find that a name is not one (a URI with an address for a host), or that there is none where one is needed.
			if said, err := verify(names); err == nil || !strings.Contains(said, "subtree violation") && !strings.Contains(said, "name syntax") {
				t.Errorf("the root %s: %s: %s", c.name, names, said)
			}
		}
	}
}

func TestNameConstraintsAreCritical(t *testing.T) {
	for _, c := range rootCases(t) {
		for _, extension := range c.root.Certificate().Extensions {
			if extension.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 30}) && !extension.Critical {
				t.Errorf("those of the root %s are not", c.name)
			}
		}
		if len(c.root.Certificate().UnhandledCriticalExtensions) > 0 {
			t.Errorf("the root %s has extensions that Go does not know", c.name)
		}
	}
}

// A root that is stored says itself what it is for, so that one that does not fit any more is replaced.
func TestARootKnowsWhatItIsFor(t *testing.T) {
	hosts := []string{"Localhost", "::1", "127.0.0.1", "localhost"}
	workloads, public, before := authority(t, domain), publicAuthority(t, hosts...), unconstrained(t)
	for _, c := range []struct {
		name                                string
		root                                *pki.Authority
		unconstrained, forWorkloads, forAll bool
	}{
		{"of the workloads", workloads, false, true, false},
		{"of the public listener", public, false, false, true},
		{"of before", before, true, false, false},
	} {
		if c.root.Unconstrained() != c.unconstrained || c.root.ForWorkloads() != c.forWorkloads || c.root.ForHosts([]string{"127.0.0.1", "localhost", "::1"}) != c.forAll {
			t.Errorf("the root %s: %v %v %v", c.name, c.root.Unconstrained(), c.root.ForWorkloads(), c.root.ForHosts(hosts))
		}
	}
	for _, other := range [][]string{nil, {""}, {"localhost"}, {"localhost", "127.0.0.1"}, {"localhost", "127.0.0.1", "::1", "example.com"}} {
		if public.ForHosts(other) {
			t.Errorf("the root is for %q too", other)
		}
	}
	again, err := pki.ParseAuthority("", public.Certificate().Raw, keyOf(t, public))
	if err != nil || !again.ForHosts(hosts) {
		t.Errorf("stored, it is another one: %v", err)
	}
	_, err = pki.ParseAuthority(domain, public.Certificate().Raw, keyOf(t, public))
	fails(t, err, "is the root of another trust domain than orders.local")
}

// The root that people import proves no workload, whatever it signs.
func TestThePublicRootProvesNoWorkload(t *testing.T) {
	public := publicAuthority(t, "localhost")
	_, err := pki.NewRoots(domain, public.Certificate())
	fails(t, err, "is the root of another trust domain than orders.local")
	roots, err := pki.NewRoots("", public.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []string{domain, ""} {
		peers := pki.NewPeers(of, at(start).Now)
		peers.Trust(roots, nil)
		forged := forge(t, public.Certificate(), signer(t, public), func(c *x509.Certificate) { c.URIs = []*url.URL{parseURI(t, pki.ID(domain, "order"))} })
		_, err = peers.Identify([]*x509.Certificate{forged.Leaf})
		fails(t, err, "no root is trusted here yet")
	}
}
