package httprpc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"oms/platform/rpc"
)

// authority issues certificates for one test.
type authority struct {
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	roots *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	return &authority{key, cert, roots}
}

// issue gives a certificate for a workload, for both sides of connections on loopback.
func (a *authority) issue(t testing.TB, workload string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: workload},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server asks for a certificate and takes whoever has none for a stranger.
func (a *authority) server(t testing.TB, workload string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.issue(t, workload)}, ClientCAs: a.roots, ClientAuth: tls.VerifyClientCertIfGiven}
}

func (a *authority) client(t testing.TB, workload string) *tls.Config {
	if workload == rpc.Anonymous {
		return &tls.Config{RootCAs: a.roots}
	}
	return &tls.Config{Certificates: []tls.Certificate{a.issue(t, workload)}, RootCAs: a.roots}
}

// peer is the workload of a connection's certificate.
func peer(state *tls.ConnectionState) (string, error) {
	switch {
	case len(state.PeerCertificates) == 0:
		return rpc.Anonymous, nil
	case state.PeerCertificates[0].Subject.CommonName == "removed":
		return "removed", errors.New("removed is not part of the deployment any more")
	}
	return state.PeerCertificates[0].Subject.CommonName, nil
}
