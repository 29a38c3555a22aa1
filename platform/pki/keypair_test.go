package pki_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"oms/platform/pki"
)

func TestANewKeyPairHasNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "pki")
	i := openKeyPair(t, filepath.Join(dir, "order.pem"))
	if i.Current() != nil || i.Generation() != 0 || i.Usable(start) || !i.Due(start) || !i.Issued().IsZero() {
		t.Error("it has something")
	}
	_, err := i.GetCertificate(nil)
	fails(t, err, "this process has no certificate yet")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestAKeyPairIsStored(t *testing.T) {
	root := authority(t, domain)
	dir := filepath.Join(t.TempDir(), "data", "pki")
	path := filepath.Join(dir, "order.pem")
	i := openKeyPair(t, path)
	renew(t, i, pki.ID(domain, "order"), grants(root, "order"))
	for name, want := range map[string]fs.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, path: 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
	var kinds []string
	for text := read(t, path); ; {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		kinds, text = append(kinds, block.Type), rest
	}
	if len(kinds) != 3 || kinds[0] != "PRIVATE KEY" || kinds[1] != "CERTIFICATE" || kinds[2] != "CERTIFICATE" {
		t.Errorf("it holds %q", kinds)
	}
	again := openKeyPair(t, path)
	if !again.Current().Leaf.Equal(i.Current().Leaf) || len(again.Current().Certificate) != 2 || again.Generation() != 1 {
		t.Error("a later start finds another one")
	}
	peers := peersOf(t, at(start), root)
	both(t, meet(t, showing(again.Current()), pki.ClientTLS(nil, peers, "order")))
}

func TestTheLifeOfACertificate(t *testing.T) {
	i := member(t, authority(t, domain), "order")
	if !i.Issued().Equal(start) {
		t.Errorf("issued at %s", i.Issued())
	}
	half, end := start.Add(lifetime/2), start.Add(lifetime)
	for _, c := range []struct {
		now         time.Time
		usable, due bool
	}{
		{start, true, false},
		{half.Add(-time.Nanosecond), true, false},
		{half, true, true},
		{end, true, true},
		{end.Add(time.Nanosecond), false, true},
		{start.Add(-pki.Backdate), true, false},
		{start.Add(-pki.Backdate - time.Nanosecond), false, true}, // a clock that was set back
	} {
		if i.Usable(c.now) != c.usable || i.Due(c.now) != c.due {
			t.Errorf("at %s: usable %v, due %v", c.now, i.Usable(c.now), i.Due(c.now))
		}
	}
}

func TestARenewalIsANewKey(t *testing.T) {
	root := authority(t, domain)
	i := member(t, root, "order")
	before := i.Current()
	renew(t, i, pki.ID(domain, "order"), grants(root, "order"))
	after := i.Current()
	if after.Leaf.Equal(before.Leaf) || bytes.Equal(after.Leaf.RawSubjectPublicKeyInfo, before.Leaf.RawSubjectPublicKeyInfo) || i.Generation() != 2 {
		t.Error("it has the old key or generation")
	}
}

func TestRenewalsAtOnce(t *testing.T) {
	root := authority(t, domain)
	path := filepath.Join(t.TempDir(), "order.pem")
	i := openKeyPair(t, path)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := i.Renew(t.Context(), pki.ID(domain, "order"), grants(root, "order")); err != nil {
				t.Error(err)
			}
			_, _, _ = i.Current(), i.Due(start), i.Generation()
		})
	}
	group.Wait()
	if i.Generation() != 8 || !openKeyPair(t, path).Current().Leaf.Equal(i.Current().Leaf) {
		t.Errorf("generation %d, or the file has another one", i.Generation())
	}
}

func TestABadKeyPairIsRefused(t *testing.T) {
	root := authority(t, domain)
	other := read(t, stored(t, root, "order"))
	const damaged = "; remove it, and a new one is issued as at the first start"
	cut := func(n, of int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			text := read(t, path)
			write(t, path, text[:len(text)*n/of], 0o600)
		}
	}
	change := func(edit func(key, certs []byte) []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			text := read(t, path)
			at := bytes.Index(text, []byte("-----BEGIN CERTIFICATE"))
			write(t, path, edit(text[:at:at], text[at:]), 0o600)
		}
	}
	mode := func(mode fs.FileMode) func(t *testing.T, path string) {
		return func(t *testing.T, path string) { chmod(t, path, mode) }
	}
	othersCerts := other[bytes.Index(other, []byte("-----BEGIN CERTIFICATE")):]
	p384 := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, ecKey(t, elliptic.P384()))})
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		text  string
	}{
		{"readable by the group", mode(0o640), "FILE can be used by others (mode 0640); run: chmod 600 FILE"},
		{"readable by others", mode(0o604), "FILE can be used by others (mode 0604); run: chmod 600 FILE"},
		{"writable by the group", mode(0o620), "FILE can be used by others (mode 0620); run: chmod 600 FILE"},
		{"a directory", func(t *testing.T, path string) {
			remove(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "cannot read FILE: it is not a file; move it away"},
		{"a directory that others can write to", func(t *testing.T, path string) { chmod(t, filepath.Dir(path), 0o770) },
			"can be written by others (mode 0770); run: chmod 700 "},
		{"empty", cut(0, 1), "FILE is damaged (it does not begin with a private key)" + damaged},
		{"garbage", func(t *testing.T, path string) { write(t, path, []byte("\x00garbage"), 0o600) }, "it does not begin with a private key"},
		{"cut off in the key", cut(1, 20), "it does not begin with a private key"},
		{"cut off in a certificate", cut(1, 2), "it holds something else than certificates behind the key"},
		{"cut off in the last line", cut(99, 100), "it holds something else than certificates behind the key"},
		{"the key alone", change(func(key, _ []byte) []byte { return key }), "FILE is damaged (there is no certificate)" + damaged},
		{"the certificates alone", change(func(_, certs []byte) []byte { return certs }), "it does not begin with a private key"},
		{"two keys", change(func(key, certs []byte) []byte { return append(append(bytes.Clone(key), key...), certs...) }), "something else than certificates"},
		{"a key behind", change(func(key, certs []byte) []byte { return append(append(bytes.Clone(key), certs...), key...) }), "something else than certificates"},
		{"another certificate", change(func(key, _ []byte) []byte { return append(key, othersCerts...) }), "FILE is damaged (the certificate does not belong to the key)" + damaged},
		{"another kind of key", change(func(_, certs []byte) []byte { return append(p384, certs...) }), "its key is not an ECDSA P-256 key"},
		{"a damaged key", change(func(_, certs []byte) []byte {
			return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("garbage")}), certs...)
		}), "FILE is damaged (its key is damaged)" + damaged},
		{"a damaged certificate", change(func(key, _ []byte) []byte {
			return append(key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("garbage")})...)
		}), "certificate 1 cannot be read"},
		{"another root behind the certificate", change(func(key, certs []byte) []byte {
			half := bytes.LastIndex(certs, []byte("-----BEGIN"))
			return append(append(key, certs[:half:half]...), rootsOf(t, authority(t, domain)).PEM()...)
		}), "certificate 1 is not signed by the one after it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := stored(t, root, "order")
			c.spoil(t, path)
			_, err := pki.OpenKeyPair(path)
			if err != nil {
				err = plain(err, path)
			}
			fails(t, err, c.text)
		})
	}
}

func TestADirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil, 0o600)
	_, err := pki.OpenKeyPair(filepath.Join(file, "order.pem"))
	fails(t, err, file+" is not a directory")
	_, err = pki.OpenKeyPair(filepath.Join(file, "pki", "order.pem"))
	fails(t, err, ": not a directory")
}
