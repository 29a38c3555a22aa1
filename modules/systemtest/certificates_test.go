package systemtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"oms/platform/database"
)

// certificateOf is the certificate of a workload, read from its process's files.
func (d *deployment) certificateOf(workload string) *tls.Certificate {
	d.Helper()
	text, err := os.ReadFile(filepath.Join(d.config.DataDir, "pki", workload+".pem"))
	if err != nil {
		d.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(text, text)
	if err != nil {
		d.Fatal(err)
	}
	return &certificate
}

// issueCertificate is a certificate of the installation's own root, whatever it says: only a test, or whoever has stolen the root, has it.
func (d *deployment) issueCertificate(change func(*x509.Certificate)) *tls.Certificate {
	d.Helper()
	root, key := d.root()
	return signCertificate(d, d.config.Trust.Domain, root, key, change)
}

// root is what the STS signs certificates with.
func (d *deployment) root() (*x509.Certificate, *ecdsa.PrivateKey) {
	d.Helper()
	var private, certificate string
	if err := d.store("sts").Read(d.Context(), func(tx database.Tx) error {
		return tx.QueryRow(`SELECT private, certificate FROM keys WHERE purpose = 'workloads'`).Scan(&private, &certificate)
	}); err != nil {
		d.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(decodeBase64(d, private))
	if err != nil {
		d.Fatal(err)
	}
	root, err := x509.ParseCertificate(decodeBase64(d, certificate))
	if err != nil {
		d.Fatal(err)
	}
	return root, key.(*ecdsa.PrivateKey)
}

func decodeBase64(t testing.TB, text string) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signCertificate signs whatever change makes of a right certificate of order; without a parent it signs itself.
func signCertificate(t testing.TB, domain string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		URIs:                  []*url.URL{{Scheme: "spiffe", Host: domain, Path: "/order"}},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	if parent == nil {
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
	chain := [][]byte{der}
	if len(parent.Raw) > 0 {
		chain = append(chain, parent.Raw)
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}
}

// certificateFiles are a certificate for tools that read files.
func certificateFiles(t testing.TB, c *tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	var chain bytes.Buffer
	for _, der := range c.Certificate {
		chain.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{cert: chain.Bytes(), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func privateKey(t testing.TB, c *tls.Certificate) *ecdsa.PrivateKey {
	t.Helper()
	key, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("a key of the type %T", c.PrivateKey)
	}
	return key
}

// certificateRequest is a certificate request; change spoils it.
func (d *deployment) certificateRequest(workload string, change func(*x509.CertificateRequest)) []byte {
	d.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.Fatal(err)
	}
	template := &x509.CertificateRequest{URIs: []*url.URL{{Scheme: "spiffe", Host: d.config.Trust.Domain, Path: "/" + workload}}}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		d.Fatal(err)
	}
	return der
}

func withName(workload string) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: c.URIs[0].Host, Path: "/" + workload}}
	}
}
