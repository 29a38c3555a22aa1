package pki

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
)

// CertificateSource gives the certificate for a connection, as [tls.Config.GetCertificate] takes it. It is safe for
// concurrent use.
type CertificateSource = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// LoadServerCertificate gives the certificate of a PEM chain and its key. When the files change, the next connection
// gets the new pair; while they do not make a pair, as between the writing of one and the other, the last one that did
// stays in use and log is told once. The key's mode is not judged: orchestrators hand out keys that a group can read.
func LoadServerCertificate(certFile, keyFile string, log *slog.Logger) (CertificateSource, error) {
	p := &pair{certFile: certFile, keyFile: keyFile, log: log}
	if err := p.load(); err != nil {
		return nil, err
	}
	return p.certificate, nil
}

// pair is a certificate that an operator provides.
type pair struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	seen    [2]fs.FileInfo // the files as they were last looked at, good or bad
	current *tls.Certificate
}

func (p *pair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
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
func (p *pair) changed() bool {
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

func (p *pair) load() error {
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
