// Package pki holds the private root of an installation and the certificates of its listeners.
//
// The root is made at the first start and stays: a key that only this process opens, and a certificate that clients are
// given (curl --cacert). The package promises that root files are never half made, that a key which others could read is
// refused, and that a listener's certificate is renewed without a restart. It asks no outside authority and publishes
// no revocation lists: leaves are short-lived instead.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// The files of a root in its directory.
const (
	keyFile  = "root.key" // PKCS #8 in PEM, mode 0600
	certFile = "root.pem" // the certificate, mode 0644: it is meant to be handed out
)

const (
	// rootLifetime is long, because every client has to be given the next root by hand.
	rootLifetime = 10 * 365 * 24 * time.Hour

	// backdate lets a certificate hold for clients whose clock is behind ours.
	backdate = time.Hour
)

// Root is the private certificate authority of one trust domain. It is safe for concurrent use.
type Root struct {
	domain string
	now    func() time.Time
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
}

// OpenRoot opens the root in dir, and makes it where there is none: an ECDSA P-256 key and a certificate for the trust
// domain. Processes that do so at once end up with the same root. The error is one line that names the file and what
// to do.
func OpenRoot(dir, domain string, now func() time.Time) (*Root, error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	r := &Root{domain: domain, now: now}
	key, err := readKey(filepath.Join(dir, keyFile))
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(dir)
	}
	if err != nil {
		return nil, err
	}
	r.key = key
	path := filepath.Join(dir, certFile)
	r.cert, err = readCertificate(path)
	if errors.Is(err, fs.ErrNotExist) {
		r.cert, err = r.makeCertificate(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := r.check(path); err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		return nil, err
	}
	return r, nil
}

// Certificate is the root's own certificate. It must not be changed.
func (r *Root) Certificate() *x509.Certificate { return r.cert }

// prepare makes the directory, or refuses one in which others could put a root of theirs.
func prepare(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return makeDir(dir)
	}
	if err != nil {
		return fmt.Errorf("cannot read the directory of the private root, %s: %w", dir, bare(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory; the private root needs one of that name", dir)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s can be written by others (mode %04o); run: chmod 700 %s", dir, mode, dir)
	}
	return nil
}

// makeKey makes the key, unless a certificate without one shows that there was one.
func makeKey(dir string) (*ecdsa.PrivateKey, error) {
	path, cert := filepath.Join(dir, keyFile), filepath.Join(dir, certFile)
	if _, err := os.Stat(cert); err == nil {
		// Another process may have made both in between.
		if key, err := readKey(path); !errors.Is(err, fs.ErrNotExist) {
			return key, err
		}
		return nil, fmt.Errorf("%s is missing beside %s; bring it back from a backup, or remove %s too to begin with a new root, "+
			"which every client then needs", path, cert, cert)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the private root: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make the key of the private root: %w", err)
	}
	if err := publish(path, keyBlock, der, 0o600); errors.Is(err, fs.ErrExist) {
		return readKey(path)
	} else if err != nil {
		return nil, err
	}
	return key, nil
}

// makeCertificate makes the certificate of the key. That is the first start, or the end of one that was cut off after
// the key: a key alone has signed nothing that anyone could have seen.
func (r *Root) makeCertificate(dir string) (*x509.Certificate, error) {
	now := r.now()
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{r.domain}, CommonName: "Private root"},
		URIs:                  []*url.URL{r.id()},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(rootLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true, // it signs leaves, and no authority below it
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, r.key.Public(), r.key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the private root: %w", err)
	}
	path := filepath.Join(dir, certFile)
	if err := publish(path, certBlock, der, 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readCertificate(path)
}

// id is the trust domain as a SPIFFE ID, which an authority carries without a path (X509-SVID, section 3.1).
func (r *Root) id() *url.URL { return &url.URL{Scheme: "spiffe", Host: r.domain} }

// check refuses a certificate that is not this key's own root for this domain and time.
func (r *Root) check(path string) error {
	now := r.now()
	switch {
	case !r.key.PublicKey.Equal(r.cert.PublicKey):
		return fmt.Errorf("%s does not belong to the key beside it; bring back both files from the same backup", path)
	case !r.cert.IsCA || !r.cert.BasicConstraintsValid || r.cert.CheckSignatureFrom(r.cert) != nil:
		return fmt.Errorf("%s is not the certificate of a root; bring it back from a backup", path)
	case len(r.cert.URIs) != 1 || r.cert.URIs[0].String() != r.id().String():
		return fmt.Errorf("%s is the root of another trust domain than %s; set trust.domain back, or use another data directory", path, r.domain)
	case now.Before(r.cert.NotBefore):
		return fmt.Errorf("%s holds from %s on, and this machine's clock says %s; set the clock", path, stamp(r.cert.NotBefore), stamp(now))
	case now.After(r.cert.NotAfter):
		return fmt.Errorf("%s has expired at %s; remove it and its key to begin with a new root, which every client then needs",
			path, stamp(r.cert.NotAfter))
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
