package pki

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The PEM labels of RFC 7468.
const (
	keyBlock  = "PRIVATE KEY"
	certBlock = "CERTIFICATE"
)

// prepare makes the directory for this user alone, and those above it, or refuses one in which others could put files of
// theirs.
func prepare(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make the directory of the certificates, %s: %w", dir, bare(err))
		}
		return syncDir(filepath.Dir(dir))
	case err != nil:
		return fmt.Errorf("cannot read the directory of the certificates, %s: %w", dir, bare(err))
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory; the certificates need one of that name", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be written by others (mode %04o); run: chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}

// WriteSecret writes a file for this user alone (0600), whole or not at all. The directory is made where it is missing,
// and refused where others could write into it. A file that holds the text already is left alone.
func WriteSecret(path string, text []byte) error { return update(path, text, 0o600, ReadSecret) }

// update writes a file unless what read gives of it is the text already.
func update(path string, text []byte, mode fs.FileMode, read func(path string) ([]byte, error)) error {
	if err := prepare(filepath.Dir(path)); err != nil {
		return err
	}
	if there, err := read(path); err == nil && bytes.Equal(there, text) {
		return nil
	}
	return replace(path, text, mode)
}

// ReadSecret reads a file and refuses one that others could have read; that there is none is [fs.ErrNotExist]. It asks the
// open file, so that the answer is not about another one that had the name before.
func ReadSecret(path string) ([]byte, error) {
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

// unfinished begins the names of what is being made to replace a file.
func unfinished(path string) string { return ".new-" + filepath.Base(path) + "-" }

// replace makes a file whole or not at all: written and synced under another name, then renamed to its own. Whoever opens
// it sees the old one or the new one.
func replace(path string, text []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, unfinished(path)+"*") // mode 0600
	if err != nil {
		return fmt.Errorf("cannot make %s: %w", path, bare(err))
	}
	defer func() { _ = os.Remove(f.Name()) }() // where it has not got its name
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, bare(err))
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("cannot make %s: %w", path, bare(err))
	}
	return syncDir(dir)
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

// sweep removes what a crash has left of replacing a file; a key may be in it.
func sweep(path string) error {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", dir, bare(err))
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), unfinished(path)) {
			continue
		}
		left := filepath.Join(dir, entry.Name())
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove the unfinished file %s: %w", left, bare(err))
		}
	}
	return nil
}

// bare is a file error without the operation and the path, which the text around it names.
func bare(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
