package pki_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"oms/platform/pki"
)

const domain = "orders.local"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is the time of a test: it stands still until the test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func at(now time.Time) *clock { return &clock{now: now} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

func open(t *testing.T, dir string) *pki.Root {
	t.Helper()
	root, err := pki.OpenRoot(dir, domain, at(start).Now)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t *testing.T, path string, text []byte, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstStartMakesARoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "pki")
	cert := open(t, dir).Certificate()
	for path, want := range map[string]fs.FileMode{
		filepath.Dir(dir):              0o700,
		dir:                            0o700,
		filepath.Join(dir, "root.key"): 0o600,
		filepath.Join(dir, "root.pem"): 0o644,
	} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
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
	block, rest := pem.Decode(read(t, filepath.Join(dir, "root.pem")))
	if len(rest) > 0 || !bytes.Equal(block.Bytes, cert.Raw) {
		t.Error("root.pem holds something else")
	}
}

func TestALaterStartFindsTheSameRoot(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	key := read(t, filepath.Join(dir, "root.key"))
	if !open(t, dir).Certificate().Equal(first.Certificate()) || !bytes.Equal(key, read(t, filepath.Join(dir, "root.key"))) {
		t.Error("the root has changed")
	}
}

// TestAStartThatWasCutOff covers every state that a crash can leave: the files come one after the other, each whole.
func TestAStartThatWasCutOff(t *testing.T) {
	t.Run("before the key", func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, ".new-123"), []byte("-----BEGIN PRIV"), 0o600)
		open(t, dir)
		if _, err := os.Stat(filepath.Join(dir, ".new-123")); err == nil {
			t.Error("the unfinished file is still there")
		}
	})
	t.Run("between the names of the key", func(t *testing.T) {
		dir := t.TempDir()
		open(t, dir)
		key := read(t, filepath.Join(dir, "root.key"))
		if err := os.Link(filepath.Join(dir, "root.key"), filepath.Join(dir, ".new-123")); err != nil {
			t.Fatal(err)
		}
		open(t, dir)
		if _, err := os.Stat(filepath.Join(dir, ".new-123")); err == nil || !bytes.Equal(key, read(t, filepath.Join(dir, "root.key"))) {
			t.Error("the second name is still there, or the first is not")
		}
	})
	t.Run("between key and certificate", func(t *testing.T) {
		dir := t.TempDir()
		first := open(t, dir)
		if err := os.Remove(filepath.Join(dir, "root.pem")); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir).Certificate()
		if !first.Certificate().PublicKey.(*ecdsa.PublicKey).Equal(again.PublicKey) {
			t.Error("the key has changed")
		}
	})
}

func TestProcessesThatStartAtOnceShareARoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pki")
	roots := make([]*pki.Root, 16)
	var group sync.WaitGroup
	for i := range roots {
		group.Go(func() {
			root, err := pki.OpenRoot(dir, domain, at(start).Now)
			if err != nil {
				t.Error(err)
			}
			roots[i] = root
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	last := open(t, dir).Certificate()
	for _, root := range roots {
		if !root.Certificate().Equal(last) {
			t.Error("there are several roots")
		}
	}
}
