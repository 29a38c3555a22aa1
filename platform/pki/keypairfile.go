package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// writeKeyPair stores a key and its chain as one file, so that there is no moment at which one belongs to another.
func writeKeyPair(path string, key *ecdsa.PrivateKey, chain [][]byte) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	var text bytes.Buffer
	text.Write(pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}))
	for _, certificate := range chain {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: certificate}))
	}
	return replace(path, text.Bytes(), 0o600)
}

// readKeyPair is what writeKeyPair has stored, or nil where there is no file.
func readKeyPair(path string) (*tls.Certificate, error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	certificate, err := parseKeyPair(text)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); remove it, and a new one is issued as at the first start", path, err)
	}
	return certificate, nil
}

// readPrivate reads a file and refuses one that others could have read. It asks the open file, so that the answer is not
// about another one that had the name before.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, bare(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, bare(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is not a file; move it away", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be used by others (mode %04o); run: chmod 600 %s, and remove it instead if others may have read it", path, mode, path)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, bare(err))
	}
	return text, nil
}

// parseKeyPair reads a private key and then the certificates, and nothing else.
func parseKeyPair(text []byte) (*tls.Certificate, error) {
	first, rest := pem.Decode(text)
	if first == nil || first.Type != keyBlock {
		return nil, errors.New("it does not begin with a private key")
	}
	key, err := parseKey(first.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its key %w", err)
	}
	var chain [][]byte
	for len(bytes.TrimSpace(rest)) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != certBlock {
			return nil, errors.New("it holds something else than certificates behind the key")
		}
		chain = append(chain, block.Bytes)
	}
	return assemble(key, chain)
}
