package pki_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
)

// provide writes a certificate and its key as an operator would; the pair is that of a private root, which is enough.
func provide(t *testing.T, dir string) (certFile, keyFile string, cert, key []byte) {
	t.Helper()
	root := authority(t, domain)
	der, err := root.MarshalKey()
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate().Raw})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	replace(t, certFile, cert)
	replace(t, keyFile, key)
	return certFile, keyFile, cert, key
}

// leaf is what the next connection would get.
func leaf(t *testing.T, source pki.CertificateSource) *x509.Certificate {
	t.Helper()
	cert, err := source(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf
}

// replace puts a file in the place of another, as renewing tools do.
func replace(t *testing.T, path string, text []byte) {
	t.Helper()
	write(t, path+".tmp", text, 0o640)
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

func TestAConfiguredPairIsLoadedAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	certFile, keyFile, _, _ := provide(t, dir)
	source, err := pki.LoadServerCertificate(certFile, keyFile, log)
	if err != nil {
		t.Fatal(err)
	}
	first := leaf(t, source)
	if !leaf(t, source).Equal(first) || out.Len() > 0 {
		t.Errorf("it changed by itself: %s", out.String())
	}

	_, _, cert, key := provide(t, t.TempDir())
	replace(t, certFile, cert)
	kept(t, source, first, &out, "cannot be used")
	remove(t, keyFile)
	kept(t, source, first, &out, "cannot read the private key")
	replace(t, keyFile, key)
	second := leaf(t, source)
	if second.Equal(first) || strings.Count(out.String(), "loaded again") != 1 {
		t.Errorf("the new pair is not in use: %s", out.String())
	}

	write(t, certFile, []byte("garbage"), 0o600) // in place
	kept(t, source, second, &out, "cannot be used")
	write(t, certFile, cert, 0o600)
	if !leaf(t, source).Equal(second) || strings.Count(out.String(), "loaded again") != 2 {
		t.Errorf("the restored pair is not in use: %s", out.String())
	}

	later := start.Add(time.Hour) // as long as before, so only its time tells
	_, _, cert, key = provide(t, t.TempDir())
	write(t, keyFile, key, 0o600)
	write(t, certFile, cert, 0o600)
	for _, path := range []string{certFile, keyFile} {
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if leaf(t, source).Equal(second) {
		t.Error("a pair that was written in place is not in use")
	}
}

// kept connects twice and finds the certificate of before, and one warning.
func kept(t *testing.T, source pki.CertificateSource, want *x509.Certificate, out *bytes.Buffer, text string) {
	t.Helper()
	before := strings.Count(out.String(), "level=WARN")
	for range 2 {
		if !leaf(t, source).Equal(want) {
			t.Error("another certificate is in use")
		}
	}
	if strings.Count(out.String(), "level=WARN") != before+1 || !strings.Contains(out.String(), text) {
		t.Errorf("want one warning more, with %q:\n%s", text, out.String())
	}
}

func TestABadPairIsRefused(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, _, _ := provide(t, dir)
	otherCert, _, _, _ := provide(t, t.TempDir())
	empty, garbage := filepath.Join(dir, "empty"), filepath.Join(dir, "garbage")
	write(t, empty, nil, 0o600)
	write(t, garbage, []byte("\x00garbage"), 0o600)
	for _, c := range []struct{ cert, key, text string }{
		{filepath.Join(dir, "none"), keyFile, "cannot read the certificate DIR/none: no such file or directory"},
		{certFile, filepath.Join(dir, "none"), "cannot read the private key DIR/none: no such file or directory"},
		{dir, keyFile, "cannot read the certificate DIR: is a directory"},
		{otherCert, keyFile, "are not a certificate and its key"},
		{keyFile, certFile, "are not a certificate and its key"},
		{empty, keyFile, "DIR/empty and DIR/key.pem are not a certificate and its key"},
		{certFile, empty, "are not a certificate and its key"},
		{garbage, keyFile, "are not a certificate and its key"},
		{certFile, garbage, "are not a certificate and its key"},
	} {
		_, err := pki.LoadServerCertificate(c.cert, c.key, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), c.text) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %q", err, c.text)
		}
	}
}
