package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
)

func keyOf(t testing.TB, a *pki.Authority) []byte {
	t.Helper()
	der, err := a.MarshalKey()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestANewRoot(t *testing.T) {
	cert := authority(t, domain).Certificate()
	key, curve := cert.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !curve || key.Curve != elliptic.P256():
		t.Error("the key is not on P-256")
	case !cert.IsCA || !cert.BasicConstraintsValid || cert.MaxPathLen != 0 || !cert.MaxPathLenZero:
		t.Error("the certificate is not that of an authority for leaves only")
	case cert.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || len(cert.ExtKeyUsage) != 0:
		t.Error("the certificate has another use")
	case !cert.NotBefore.Equal(start.Add(-time.Hour)) || !cert.NotAfter.Equal(start.Add(10*365*24*time.Hour)):
		t.Errorf("it holds from %s to %s", cert.NotBefore, cert.NotAfter)
	case len(cert.URIs) != 1 || cert.URIs[0].String() != "spiffe://orders.local":
		t.Errorf("it names %v", cert.URIs)
	}
}

func TestTwoRootsOfADomainAreToldApart(t *testing.T) {
	a, b := authority(t, domain), authority(t, domain)
	switch {
	case bytes.Equal(a.Certificate().RawSubject, b.Certificate().RawSubject):
		t.Error("they have the same subject")
	case bytes.Equal(a.Certificate().SubjectKeyId, b.Certificate().SubjectKeyId):
		t.Error("they have the same key id")
	case a.Fingerprint() == b.Fingerprint():
		t.Error("they have the same fingerprint")
	case pki.Serial(a.Certificate()) == pki.Serial(b.Certificate()):
		t.Error("they have the same serial number")
	}
	if raw, err := hex.DecodeString(a.Fingerprint()); err != nil || len(raw) != 32 || a.Fingerprint() != strings.ToLower(a.Fingerprint()) {
		t.Errorf("the fingerprint is %s", a.Fingerprint())
	}
}

func TestAStoredRootIsTheSame(t *testing.T) {
	a := authority(t, domain)
	again, err := pki.ParseAuthority(domain, a.Certificate().Raw, keyOf(t, a))
	if err != nil {
		t.Fatal(err)
	}
	if !again.Certificate().Equal(a.Certificate()) || !bytes.Equal(keyOf(t, a), keyOf(t, again)) {
		t.Error("it is another one")
	}
}

func TestABadRootIsRefused(t *testing.T) {
	a, other := authority(t, domain), authority(t, domain)
	cert, key := a.Certificate().Raw, keyOf(t, a)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaDER, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	leafOfKey := &x509.Certificate{NotBefore: start, NotAfter: start.Add(time.Hour)}
	private, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.CreateCertificate(rand.Reader, leafOfKey, leafOfKey, &private.(*ecdsa.PrivateKey).PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, domain string
		cert, key    []byte
		text         string
	}{
		{"no certificate", domain, nil, key, "the stored certificate of the private root is damaged"},
		{"half a certificate", domain, cert[:len(cert)/2], key, "certificate of the private root is damaged"},
		{"two certificates", domain, append(bytes.Clone(cert), cert...), key, "certificate of the private root is damaged"},
		{"no key", domain, cert, nil, "the stored key of the private root is damaged; bring it back from a backup"},
		{"half a key", domain, cert, key[:len(key)/2], "key of the private root is damaged"},
		{"an RSA key", domain, cert, rsaDER, "the stored key of the private root is not an ECDSA P-256 key"},
		{"another root's key", domain, cert, keyOf(t, other), "the private root's certificate does not belong to its key"},
		{"a leaf of the key", domain, leaf, key, "is not that of a root"},
		{"another domain", "shop.local", cert, key, "is the root of another trust domain than shop.local; set trust.domain back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := pki.ParseAuthority(c.domain, c.cert, c.key)
			fails(t, err, c.text)
		})
	}
}

func TestARootNeverShowsItsKey(t *testing.T) {
	a := authority(t, domain)
	private, err := x509.ParsePKCS8PrivateKey(keyOf(t, a))
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := private.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var log lines
	log.logger().Info("made", "root", a)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "root", a)
	asJSON, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	inside := struct{ hidden *pki.Authority }{a}
	texts := append(log.all(), string(asJSON), fmt.Sprint(inside), fmt.Sprintf("%#v", inside))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, a))
	}
	number := private.(*ecdsa.PrivateKey).D.String() //nolint:staticcheck // the form that fmt would show
	for _, text := range texts {
		if strings.Contains(text, number) || strings.Contains(strings.ToLower(text), hex.EncodeToString(scalar)) {
			t.Errorf("it shows its key: %s", text)
		}
	}
	if got := fmt.Sprint(a); got != "Authority(orders.local "+a.Fingerprint()+", private key not shown)" {
		t.Errorf("it is shown as %s", got)
	}
}
