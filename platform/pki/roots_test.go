package pki_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"oms/platform/pki"
)

func TestASetOfRootsHasOneText(t *testing.T) {
	a, b := authority(t, domain), authority(t, domain)
	roots := rootsOf(t, a, b)
	if !bytes.Equal(roots.PEM(), rootsOf(t, b, a, b).PEM()) {
		t.Error("the order matters")
	}
	again, err := pki.ParseRoots(domain, append([]byte("# the roots\n"), roots.PEM()...))
	if err != nil || !bytes.Equal(again.PEM(), roots.PEM()) || len(again.Certificates()) != 2 {
		t.Errorf("got %v, %v", again, err)
	}
}

func TestABadSetOfRootsIsRefused(t *testing.T) {
	root, foreign := authority(t, domain), authority(t, "shop.local")
	good := rootsOf(t, root).PEM()
	leaf, err := root.IssueWorkload(request(t, ecKey(t, elliptic.P256()), nil), "order", start, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for _, c := range []struct {
		name string
		pem  []byte
		text string
	}{
		{"nothing", nil, "there is no root certificate of orders.local"},
		{"garbage", []byte("\x00garbage"), "there is no root certificate of orders.local"},
		{"a damaged one", block("CERTIFICATE", []byte("garbage")), `number 1 of the PEM blocks, a "CERTIFICATE", is not a certificate`},
		{"a key", append(bytes.Clone(good), block("PRIVATE KEY", keyOf(t, root))...), `number 2 of the PEM blocks, a "PRIVATE KEY", is not a certificate`},
		{"half of the second", append(bytes.Clone(good), good[:len(good)/2]...), "end in the middle of one"},
		{"half of the first", good[:len(good)/2], "end in the middle of one"},
		{"a leaf", block("CERTIFICATE", leaf.Raw), "is not that of a root"},
		{"another domain's", block("CERTIFICATE", foreign.Certificate().Raw), "is the root of another trust domain than orders.local"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := pki.ParseRoots(domain, c.pem)
			fails(t, err, c.text)
		})
	}
}

func TestTheFileOfTheRoots(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "pki")
	path := filepath.Join(dir, "root.pem")
	a, b := authority(t, domain), authority(t, domain)
	put := func(roots *pki.Roots) fs.FileInfo {
		t.Helper()
		if err := pki.WriteRoots(path, roots); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(read(t, path), roots.PEM()) {
			t.Error("it holds something else")
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		return info
	}
	first := put(rootsOf(t, a))
	if !os.SameFile(first, put(rootsOf(t, a))) {
		t.Error("it was written again without a change")
	}
	if os.SameFile(first, put(rootsOf(t, a, b))) {
		t.Error("it was written in place, where a reader could see half of it")
	}
	for _, made := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", made, info.Mode(), err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
	chmod(t, dir, 0o770)
	fails(t, pki.WriteRoots(path, rootsOf(t, a)), "can be written by others (mode 0770); run: chmod 700 ")
}
