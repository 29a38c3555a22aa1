package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// ServerCertificate is a certificate that an operator provides: a PEM chain and its key, in two files. It is safe for
// concurrent use.
type ServerCertificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	seen    [2]fs.FileInfo // the files as they were last looked at, good or bad
	current *tls.Certificate
}

// LoadServerCertificate reads the files. When they change, the next connection gets the new pair; while they do not make a
// pair, as between the writing of one and the other, the last one that did stays in use and log is told once. The key's
// mode is not judged: orchestrators hand out keys that a group can read.
func LoadServerCertificate(certFile, keyFile string, log *slog.Logger) (*ServerCertificate, error) {
	p := &ServerCertificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

// GetCertificate is a [CertificateSource]: the certificate in use.
func (p *ServerCertificate) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed() {
		if err := p.load(); err != nil {
			p.log.Warn("the new server certificate cannot be used; the last one stays", "error", err)
		} else {
			p.log.Info("the server certificate was loaded again", "file", p.certFile)
		}
	}
	return p.current, nil
}

// changed reports whether the files are other ones than those last looked at. It costs two calls of stat, which is
// nothing beside a handshake.
func (p *ServerCertificate) changed() bool {
	for i, path := range []string{p.certFile, p.keyFile} {
		before := p.seen[i]
		now, err := os.Stat(path)
		switch {
		case err != nil && before == nil: // gone, as before
		case err != nil || before == nil,
			!os.SameFile(now, before), now.Size() != before.Size(), !now.ModTime().Equal(before.ModTime()):
			return true
		}
	}
	return false
}

func (p *ServerCertificate) load() error {
	for i, path := range []string{p.certFile, p.keyFile} {
		p.seen[i], _ = os.Stat(path) // before reading: what is written meanwhile is seen as a change; nil where it is gone
	}
	cert, err := os.ReadFile(p.certFile)
	if err != nil {
		return fmt.Errorf("cannot read the certificate %s: %w", p.certFile, bare(err))
	}
	key, err := os.ReadFile(p.keyFile)
	if err != nil {
		return fmt.Errorf("cannot read the private key %s: %w", p.keyFile, bare(err))
	}
	current, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s and %s are not a certificate and its key: %w", p.certFile, p.keyFile, err)
	}
	p.current = &current
	return nil
}

// Until is when the first certificate of the chain in use ends.
func (p *ServerCertificate) Until() (until time.Time) {
	for _, one := range p.chain() {
		if until.IsZero() || one.NotAfter.Before(until) {
			until = one.NotAfter
		}
	}
	return until
}

// chain is what is in use, the leaf first.
func (p *ServerCertificate) chain() (list []*x509.Certificate) {
	current, _ := p.GetCertificate(nil) // which never fails
	for _, der := range current.Certificate {
		if one, err := x509.ParseCertificate(der); err == nil { // clients pass over what they cannot read
			list = append(list, one)
		}
	}
	return list
}

// soonest is how long before its end the certificate of a year is said to end soon; of a shorter one it is a quarter of its life.
const soonest = 30 * 24 * time.Hour

// Trouble is what clients that come to host do not accept of the chain in use, or will not accept soon; nil where there is
// nothing. It says what to do.
func (p *ServerCertificate) Trouble(host string, now time.Time) error {
	for i, one := range p.chain() {
		if err := trouble(one, now); err != nil {
			return fmt.Errorf("certificate %d of %s %w", i+1, p.certFile, err)
		}
		if i == 0 && one.VerifyHostname(host) != nil {
			return fmt.Errorf("%s is not for %s, the host of server.public_url: put a certificate for that name into its place", p.certFile, host)
		}
	}
	return nil
}

func trouble(one *x509.Certificate, now time.Time) error {
	const layout = "2006-01-02 15:04 MST"
	from, until := one.NotBefore.UTC(), one.NotAfter.UTC()
	switch soon := min(soonest, until.Sub(from)/4); {
	case now.After(until):
		return fmt.Errorf("has expired on %s: put a new one into its place", until.Format(layout))
	case now.Before(from):
		return fmt.Errorf("is not valid before %s: set the clock, or put another one into its place", from.Format(layout))
	case until.Sub(now) < soon:
		return fmt.Errorf("expires on %s: put a new one into its place before", until.Format(layout))
	}
	return nil
}
