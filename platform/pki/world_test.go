package pki_test

import (
	"context"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/platform/pki"
)

const domain = "orders.local"

// lifetime is that of the tests' leaves.
const lifetime = 24 * time.Hour

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is the time of a test: it stands still until the test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func at(now time.Time) *clock { return &clock{now: now} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func authority(t testing.TB, domain string) *pki.Authority {
	t.Helper()
	a, err := pki.NewAuthority(domain, start)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// unconstrained is a root as earlier versions have made them. It can sign for any name, and installations trust it until it
// is replaced: what keeps a name out then is the judgement of the leaf alone.
func unconstrained(t testing.TB) *pki.Authority {
	t.Helper()
	key := ecKey(t, elliptic.P256())
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Private root"}, URIs: []*url.URL{{Scheme: "spiffe", Host: domain}},
		NotBefore: start.Add(-time.Hour), NotAfter: start.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := pki.ParseAuthority(domain, certificate, private)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// eachRoot runs a test of what is refused with the that an installation may trust.
func eachRoot(t *testing.T, run func(t *testing.T, root *pki.Authority)) {
	t.Helper()
	t.Run("the root is for its domain", func(t *testing.T) { run(t, authority(t, domain)) })
	t.Run("the root is for any name", func(t *testing.T) { run(t, unconstrained(t)) })
}

// publicCertificate is that of a public listener: of the workloads' root, where that can sign it.
func publicCertificate(t testing.TB, root *pki.Authority, hosts ...string) *tls.Certificate {
	t.Helper()
	if !root.Unconstrained() {
		root = publicAuthority(t, hosts...)
	}
	public := openKeyPair(t, filepath.Join(t.TempDir(), "public.pem"))
	renew(t, public, "", grantsServer(root, hosts...))
	return public.Current()
}

func publicAuthority(t testing.TB, hosts ...string) *pki.Authority {
	t.Helper()
	a, err := pki.NewPublicAuthority(domain, hosts, start)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func rootsOf(t testing.TB, authorities ...*pki.Authority) *pki.Roots {
	t.Helper()
	var certificates []*x509.Certificate
	for _, a := range authorities {
		certificates = append(certificates, a.Certificate())
	}
	roots, err := pki.NewRoots(domain, certificates...)
	if err != nil {
		t.Fatal(err)
	}
	return roots
}

// peersOf trust these authorities.
func peersOf(t testing.TB, c *clock, authorities ...*pki.Authority) *pki.Peers {
	t.Helper()
	peers := pki.NewPeers(domain, c.Now)
	peers.Trust(rootsOf(t, authorities...), nil)
	return peers
}

// issuer is what the STS does: it grants a request, and shows the root behind the leaf.
type issuer = func(ctx context.Context, request []byte) ([][]byte, error)

func grants(a *pki.Authority, workload string) issuer {
	return func(_ context.Context, request []byte) ([][]byte, error) {
		leaf, err := a.IssueWorkload(request, workload, start, lifetime)
		if err != nil {
			return nil, err
		}
		return [][]byte{leaf.Raw, a.Certificate().Raw}, nil
	}
}

func grantsServer(a *pki.Authority, hosts ...string) issuer {
	return func(_ context.Context, request []byte) ([][]byte, error) {
		leaf, err := a.IssueServer(request, hosts, start, lifetime)
		if err != nil {
			return nil, err
		}
		return [][]byte{leaf.Raw, a.Certificate().Raw}, nil
	}
}

func openKeyPair(t testing.TB, path string) *pki.KeyPair {
	t.Helper()
	i, err := pki.OpenKeyPair(path)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func renew(t testing.TB, i *pki.KeyPair, id string, issue issuer) {
	t.Helper()
	if err := i.Renew(t.Context(), id, issue); err != nil {
		t.Fatal(err)
	}
}

// member is a workload with a certificate of the authority.
func member(t testing.TB, a *pki.Authority, workload string) *pki.KeyPair {
	t.Helper()
	i := openKeyPair(t, filepath.Join(t.TempDir(), workload+".pem"))
	renew(t, i, pki.ID(domain, workload), grants(a, workload))
	return i
}

// fails wants an error of one line that says this.
func fails(t testing.TB, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want %q", err, text)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t testing.TB, path string, text []byte, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	chmod(t, path, mode)
}

func chmod(t testing.TB, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
