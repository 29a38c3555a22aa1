package pki

import (
	"bytes"
	"path/filepath"
)

// WriteSecret writes a file for this user alone (0600), whole or not at all. The directory is made where it is missing,
// and refused where others could write into it. A file that holds the text already is left alone.
func WriteSecret(path string, text []byte) error {
	if err := prepare(filepath.Dir(path)); err != nil {
		return err
	}
	if there, err := readPrivate(path); err == nil && bytes.Equal(there, text) {
		return nil
	}
	return replace(path, text, 0o600)
}

// ReadSecret reads a file that WriteSecret has written. One that others could have read is refused; that there is none
// is [fs.ErrNotExist].
func ReadSecret(path string) ([]byte, error) { return readPrivate(path) }
