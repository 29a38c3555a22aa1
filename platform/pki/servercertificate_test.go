package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
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
func leaf(t *testing.T, source *pki.ServerCertificate) *x509.Certificate {
	t.Helper()
	cert, err := source.GetCertificate(nil)
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
func kept(t *testing.T, source *pki.ServerCertificate, want *x509.Certificate, out *bytes.Buffer, text string) {
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

// What clients will not accept is told before they find out.
func TestTroubleWithACertificateIsTold(t *testing.T) {
	const host = "shop.example.com"
	chain := func(t *testing.T, leaf *x509.Certificate, above ...*x509.Certificate) *pki.ServerCertificate {
		t.Helper()
		dir := t.TempDir()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		var text []byte
		for _, template := range append([]*x509.Certificate{leaf}, above...) {
			template.SerialNumber = big.NewInt(1)
			der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "cert.pem"), text, 0o600)
		write(t, filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
		c, err := pki.LoadServerCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const day = 24 * time.Hour
	from := func(before, after time.Duration, names ...string) *x509.Certificate {
		return &x509.Certificate{NotBefore: start.Add(-before), NotAfter: start.Add(after), DNSNames: names}
	}
	for _, c := range []struct {
		name        string
		certificate *pki.ServerCertificate
		want        string
	}{
		{"good", chain(t, from(30*day, 60*day, host)), ""},
		{"a wildcard", chain(t, from(30*day, 60*day, "*.example.com")), ""},
		{"expired", chain(t, from(90*day, -time.Hour, host)), "certificate 1 of .* has expired on 2"},
		{"not yet valid", chain(t, from(-time.Hour, 60*day, host)), "certificate 1 of .* is not valid before 2"},
		{"of another host", chain(t, from(30*day, 60*day, "www.example.com")), "is not for shop.example.com, the host of server.public_url"},
		{"of no host", chain(t, from(30*day, 60*day)), "is not for shop.example.com"},
		{"about to expire, of a year", chain(t, from(336*day, 29*day, host)), "certificate 1 of .* expires on 2"},
		{"of ninety days, with a month left", chain(t, from(60*day, 30*day, host)), ""},
		{"of ninety days, with three weeks left", chain(t, from(69*day, 21*day, host)), "expires on 2"},
		{"of a week, with two days left", chain(t, from(5*day, 2*day, host)), ""},
		{"of a week, with a day left", chain(t, from(6*day, 1*day, host)), "expires on 2"},
		{"an expired one above it", chain(t, from(30*day, 60*day, host), from(90*day, -time.Hour)), "certificate 2 of .* has expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.certificate.Trouble(host, start)
			if (err == nil) != (c.want == "") || err != nil && !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if got := chain(t, from(30*day, 60*day, host), from(30*day, 10*day)).Until(); !got.Equal(start.Add(10 * day)) {
		t.Errorf("the chain ends at %v", got)
	}
}
