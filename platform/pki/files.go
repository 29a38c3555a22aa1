package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The PEM labels of RFC 7468.
const (
	keyBlock  = "PRIVATE KEY"
	certBlock = "CERTIFICATE"
)

// temporary begins the names of files that are being made.
const temporary = ".new-"

// publish makes a PEM file whole or not at all: written and synced under another name, then linked to its own. A file
// that is there already stays, and the error is [fs.ErrExist]; a rename would put a second root over the first one.
func publish(path, block string, der []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, temporary+"*") // mode 0600
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", path, bare(err))
	}
	defer func() { _ = os.Remove(f.Name()) }() // its other name stays
	err = errors.Join(pem.Encode(f, &pem.Block{Type: block, Bytes: der}), f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, bare(err))
	}
	if err := os.Link(f.Name(), path); err != nil {
		if _, there := os.Lstat(path); there == nil {
			return fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
		return fmt.Errorf("cannot make %s: %w", path, bare(err))
	}
	return syncDir(dir)
}

// makeDir makes a directory for this user alone, and those above it.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the directory of the private root, %s: %w", dir, bare(err))
	}
	return syncDir(filepath.Dir(dir))
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, bare(err))
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, bare(err))
	}
	return nil
}

// sweep removes what a crash has left half made; a key may be in it. Whoever is making a root right now finds that it
// exists.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, temporary+"*"))
	if err != nil {
		return fmt.Errorf("look for unfinished files in %s: %w", dir, err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove the unfinished file %s: %w", path, bare(err))
		}
	}
	return nil
}

// readKey reads the root's key and refuses one that others could have read.
func readKey(path string) (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, bare(err))
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be used by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	der, err := readBlock(path, keyBlock)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); bring it back from a backup", path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s is not an ECDSA P-256 key; bring it back from a backup", path)
	}
	return key, nil
}

func readCertificate(path string) (*x509.Certificate, error) {
	der, err := readBlock(path, certBlock)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); bring it back from a backup", path, err)
	}
	return cert, nil
}

// readBlock reads a file that holds exactly one PEM block.
func readBlock(path, kind string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, bare(err))
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != kind || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s is damaged (it is not one PEM block %q); bring it back from a backup", path, kind)
	}
	return block.Bytes, nil
}

// bare is a file error without the operation and the path, which the text around it names.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}
