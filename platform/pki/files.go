package pki

import (
	"errors"
	"fmt"
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

// prepare makes the directory, or refuses one in which others could put files of theirs.
func prepare(dir string) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return makeDir(dir)
	}
	if err != nil {
		return fmt.Errorf("cannot read the directory of the certificates, %s: %w", dir, bare(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory; the certificates need one of that name", dir)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s can be written by others (mode %04o); run: chmod 700 %s", dir, mode, dir)
	}
	return nil
}

// makeDir makes a directory for this user alone, and those above it.
func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the directory of the certificates, %s: %w", dir, bare(err))
	}
	return syncDir(filepath.Dir(dir))
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
