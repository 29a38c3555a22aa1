package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/platform/pki"
)

func leaf(t *testing.T, source pki.CertificateSource) *x509.Certificate {
	t.Helper()
	cert, err := source(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf
}

func source(t *testing.T, root *pki.Root, hosts ...string) pki.CertificateSource {
	t.Helper()
	source, err := root.ServerCertificate(hosts)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func rootAt(t *testing.T, c *clock) *pki.Root {
	t.Helper()
	root, err := pki.OpenRoot(t.TempDir(), domain, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestAClientThatKnowsTheRootConnects makes real handshakes.
func TestAClientThatKnowsTheRootConnects(t *testing.T) {
	c := at(start)
	root := rootAt(t, c)
	known := x509.NewCertPool()
	known.AddCert(root.Certificate())
	source := source(t, root, "localhost", "Orders.Example.com", "127.0.0.1", "::1")
	cases := []struct {
		host  string
		roots *x509.CertPool
		now   time.Time
		fails string
	}{
		{"localhost", known, start, ""},
		{"orders.example.com", known, start, ""},
		{"127.0.0.1", known, start, ""},
		{"::1", known, start, ""},
		{"localhost", known, start.Add(-59 * time.Minute), ""}, // a client whose clock is behind
		{"localhost", known, start.Add(7*24*time.Hour - time.Second), ""},
		{"localhost", known, start.Add(-2 * time.Hour), "not yet valid"},
		{"localhost", known, start.Add(8 * 24 * time.Hour), "expired"},
		{"example.com", known, start, "not example.com"},
		{"127.0.0.2", known, start, "not 127.0.0.2"},
		{"localhost", x509.NewCertPool(), start, "unknown authority"},
	}
	for _, c := range cases {
		err := shakeHands(t, source, &tls.Config{ServerName: c.host, RootCAs: c.roots, Time: func() time.Time { return c.now }})
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s at %s: got %v, want %q", c.host, c.now, err, c.fails)
		}
	}
}

func shakeHands(t *testing.T, source pki.CertificateSource, client *tls.Config) error {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: source})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_ = conn.(*tls.Conn).Handshake() // its failure is the client's too
			_ = conn.Close()
		}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestTheCertificateIsForServersOnly(t *testing.T) {
	cert := leaf(t, source(t, rootAt(t, at(start)), "localhost"))
	if cert.IsCA || len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || cert.KeyUsage != x509.KeyUsageDigitalSignature {
		t.Errorf("CA %v, uses %v and %v", cert.IsCA, cert.KeyUsage, cert.ExtKeyUsage)
	}
}

func TestTheCertificateIsRenewedAtHalfLife(t *testing.T) {
	c := at(start)
	source := source(t, rootAt(t, c), "localhost")
	first := leaf(t, source)
	half := start.Add(7 * 12 * time.Hour)

	c.set(half.Add(-time.Nanosecond))
	if !leaf(t, source).Equal(first) {
		t.Error("it was renewed too early")
	}
	c.set(half)
	second := leaf(t, source)
	switch {
	case second.Equal(first):
		t.Error("it was not renewed at half life")
	case !second.NotAfter.Equal(half.Add(7 * 24 * time.Hour)):
		t.Errorf("the new one ends at %s", second.NotAfter)
	case second.SerialNumber.Cmp(first.SerialNumber) == 0:
		t.Error("the new one has the old serial number")
	}
	c.set(start.Add(365 * 24 * time.Hour)) // a machine that slept
	if got := leaf(t, source); !got.NotAfter.After(c.Now()) {
		t.Errorf("after a long sleep it has expired at %s", got.NotAfter)
	}
	c.set(start) // a clock that was set back
	if got := leaf(t, source); got.NotBefore.After(start) {
		t.Errorf("after the clock was set back it holds from %s", got.NotBefore)
	}
}

func TestTheCertificateDoesNotOutliveTheRoot(t *testing.T) {
	c := at(start)
	root := rootAt(t, c)
	source := source(t, root, "localhost")
	end := root.Certificate().NotAfter
	c.set(end.Add(-time.Hour))
	if got := leaf(t, source); !got.NotAfter.Equal(end) {
		t.Errorf("it ends at %s, the root at %s", got.NotAfter, end)
	}
	c.set(end)
	if _, err := source(nil); err == nil || !strings.Contains(err.Error(), "the private root has expired at 2036-02-27T12:00:00Z") {
		t.Errorf("got %v", err)
	}
}

func TestConnectionsAtOnceGetOneCertificate(t *testing.T) {
	c := at(start)
	source := source(t, rootAt(t, c), "localhost")
	c.set(start.Add(5 * 24 * time.Hour))
	certs := make([]*tls.Certificate, 32)
	var group sync.WaitGroup
	for i := range certs {
		group.Go(func() { certs[i], _ = source(nil) })
	}
	group.Wait()
	for _, cert := range certs {
		if cert == nil || cert != certs[0] {
			t.Fatal("they got different ones")
		}
	}
}

func TestABadHostIsRefused(t *testing.T) {
	root := rootAt(t, at(start))
	for _, hosts := range [][]string{nil, {""}, {"localhost", ""}, {"local host"}, {"a..b"}, {"localhost:9090"}, {"*.example.com"}, {"fe80::1%eth0"}, {"münchen"}, {strings.Repeat("a", 64)}, {strings.Repeat("a.", 127) + "a"}} {
		if _, err := root.ServerCertificate(hosts); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", hosts, err)
		}
	}
}
