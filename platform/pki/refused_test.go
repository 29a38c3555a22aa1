package pki_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
)

func TestABadRootIsRefused(t *testing.T) {
	other := t.TempDir()
	open(t, other)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	const key, cert = "/root.key", "/root.pem"
	cases := []struct {
		name, text string
		spoil      func(dir string)
	}{
		{"key readable by the group", "DIR/root.key can be used by others (mode 0640); run: chmod 600 DIR/root.key",
			func(dir string) { write(t, dir+key, read(t, dir+key), 0o640) }},
		{"key readable by others", "run: chmod 600 DIR/root.key",
			func(dir string) { write(t, dir+key, read(t, dir+key), 0o604) }},
		{"directory writable by the group", "DIR can be written by others (mode 0770); run: chmod 700 DIR",
			func(dir string) { chmod(t, dir, 0o770) }},
		{"no key", "DIR/root.key is missing beside DIR/root.pem; bring it back from a backup",
			func(dir string) { remove(t, dir+key) }},
		{"empty key", "DIR/root.key is damaged", func(dir string) { write(t, dir+key, nil, 0o600) }},
		{"garbage key", "DIR/root.key is damaged", func(dir string) { write(t, dir+key, []byte("\x00garbage"), 0o600) }},
		{"half a key", "DIR/root.key is damaged",
			func(dir string) { text := read(t, dir+key); write(t, dir+key, text[:len(text)/2], 0o600) }},
		{"a key that is not one", "DIR/root.key is damaged",
			func(dir string) { write(t, dir+key, block("PRIVATE KEY", []byte("garbage")), 0o600) }},
		{"an RSA key", "DIR/root.key is not an ECDSA P-256 key", func(dir string) { write(t, dir+key, block("PRIVATE KEY", der), 0o600) }},
		{"two keys", "DIR/root.key is damaged",
			func(dir string) { write(t, dir+key, append(read(t, dir+key), read(t, dir+key)...), 0o600) }},
		{"key is a directory", "DIR/root.key", func(dir string) { remove(t, dir+key); mkdir(t, dir+key) }},
		{"empty certificate", "DIR/root.pem is damaged", func(dir string) { write(t, dir+cert, nil, 0o644) }},
		{"garbage certificate", "DIR/root.pem is damaged", func(dir string) { write(t, dir+cert, block("CERTIFICATE", []byte("garbage")), 0o644) }},
		{"the key as certificate", "DIR/root.pem is damaged", func(dir string) { write(t, dir+cert, read(t, dir+key), 0o644) }},
		{"another root's certificate", "DIR/root.pem does not belong to the key beside it",
			func(dir string) { write(t, dir+cert, read(t, other+cert), 0o644) }},
		{"another root's key", "DIR/root.pem does not belong to the key beside it",
			func(dir string) { write(t, dir+key, read(t, other+key), 0o600) }},
		{"a leaf of the key", "DIR/root.pem is not the certificate of a root",
			func(dir string) { write(t, dir+cert, leafOf(t, dir+key), 0o644) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "pki")
			open(t, dir)
			c.spoil(dir)
			refused(t, dir, c.text, domain, start)
		})
	}
}

func TestARootOfAnotherDomainOrTimeIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	chmod(t, dir, 0o700)
	refused(t, dir, "DIR/root.pem is the root of another trust domain than shop.local; set trust.domain back", "shop.local", start)
	refused(t, dir, "DIR/root.pem holds from 2026-03-01T11:00:00Z on, and this machine's clock says 2020-01-01T00:00:00Z", domain, time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	refused(t, dir, "DIR/root.pem has expired at 2036-02-27T12:00:00Z", domain, start.Add(11*365*24*time.Hour))
}

func TestADirectoryThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), nil, 0o600)
	refused(t, filepath.Join(dir, "file"), "DIR is not a directory", domain, start)
	refused(t, filepath.Join(dir, "file", "pki"), "DIR: not a directory", domain, start)
}

func refused(t *testing.T, dir, text, domain string, now time.Time) {
	t.Helper()
	_, err := pki.OpenRoot(dir, domain, at(now).Now)
	if err == nil {
		t.Fatalf("it is accepted; want an error with %q", text)
	}
	if got := strings.ReplaceAll(err.Error(), dir, "DIR"); !strings.Contains(got, text) || strings.Contains(got, "\n") {
		t.Errorf("got %q, want one line with %q", got, text)
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// leafOf is a self-signed certificate of the key in the file that is not an authority.
func leafOf(t *testing.T, path string) []byte {
	t.Helper()
	pemBlock, _ := pem.Decode(read(t, path))
	key, err := x509.ParsePKCS8PrivateKey(pemBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{NotBefore: start, NotAfter: start.Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.(*ecdsa.PrivateKey).Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", der)
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}
