package pki_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oms/platform/pki"
)

// stored is the file of a workload with a certificate.
func stored(t testing.TB, root *pki.Authority, workload string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), workload+".pem")
	renew(t, openKeyPair(t, path), pki.ID(domain, workload), grants(root, workload))
	return path
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// plain is an error without the name of the test's file.
func plain(err error, path string) error {
	return errors.New(strings.ReplaceAll(err.Error(), path, "FILE"))
}

// TestARenewalThatFails leaves the old certificate in use and in its file.
func TestARenewalThatFails(t *testing.T) {
	root := authority(t, domain)
	id := pki.ID(domain, "order")
	away := errors.New("the STS is away")
	other, err := root.IssueWorkload(request(t, signer(t, authority(t, domain)), nil), "order", start, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(change func(chain [][]byte) [][]byte) issuer {
		return func(ctx context.Context, request []byte) ([][]byte, error) {
			chain, err := grants(root, "order")(ctx, request)
			return change(chain), err
		}
	}
	for _, c := range []struct {
		name  string
		issue issuer
		text  string
	}{
		{"refused", func(context.Context, []byte) ([][]byte, error) { return nil, away }, "the STS is away"},
		{"nothing", answer(func([][]byte) [][]byte { return nil }), "cannot be used: there is no certificate"},
		{"garbage", answer(func([][]byte) [][]byte { return [][]byte{[]byte("garbage")} }), "cannot be used: certificate 1 cannot be read"},
		{"for another key", answer(func(chain [][]byte) [][]byte { return [][]byte{other.Raw, chain[1]} }),
			"the certificate that was issued cannot be used: the certificate does not belong to the key"},
		{"for another identity", func(_ context.Context, request []byte) ([][]byte, error) { return misissued(t, root, request), nil },
			"cannot be used: it is not for spiffe://orders.local/order"},
		{"in the wrong order", answer(func(chain [][]byte) [][]byte { return [][]byte{chain[1], chain[0]} }), "is not signed by the one after it"},
		{"with another root", answer(func(chain [][]byte) [][]byte {
			return [][]byte{chain[0], authority(t, domain).Certificate().Raw}
		}), "certificate 1 is not signed by the one after it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := stored(t, root, "order")
			i := openKeyPair(t, path)
			before, text := i.Current(), read(t, path)
			fails(t, i.Renew(t.Context(), id, c.issue), c.text)
			unchanged(t, i, path, before.Leaf, text)
		})
	}
	t.Run("the answer cannot be stored", func(t *testing.T) {
		path := stored(t, root, "order")
		i := openKeyPair(t, path)
		before, text := i.Current(), read(t, path)
		dir, moved := filepath.Dir(path), filepath.Join(t.TempDir(), "moved")
		err := i.Renew(t.Context(), id, func(ctx context.Context, request []byte) ([][]byte, error) {
			if err := os.Rename(dir, moved); err != nil {
				t.Fatal(err)
			}
			return grants(root, "order")(ctx, request)
		})
		fails(t, plain(err, path), "cannot make FILE: no such file or directory")
		if err := os.Rename(moved, dir); err != nil {
			t.Fatal(err)
		}
		unchanged(t, i, path, before.Leaf, text)
	})
	t.Run("a name that is not a URI", func(t *testing.T) {
		i := openKeyPair(t, stored(t, root, "order"))
		fails(t, i.Renew(t.Context(), "%", grants(root, "order")), "it is not a URI")
	})
}

// misissued grants to inventory what order has asked for, with its key.
func misissued(t testing.TB, root *pki.Authority, request []byte) [][]byte {
	t.Helper()
	asked, err := x509.ParseCertificateRequest(request)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{NotBefore: start, NotAfter: start.Add(lifetime)}
	template.URIs = append(template.URIs, parseURI(t, pki.ID(domain, "inventory")))
	der, err := x509.CreateCertificate(rand.Reader, template, root.Certificate(), asked.PublicKey, signer(t, root))
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{der, root.Certificate().Raw}
}

func unchanged(t testing.TB, i *pki.KeyPair, path string, leaf *x509.Certificate, text []byte) {
	t.Helper()
	if !i.Current().Leaf.Equal(leaf) || i.Generation() != 1 {
		t.Error("another certificate is in use")
	}
	if !bytes.Equal(read(t, path), text) {
		t.Error("the file has changed")
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

// TestACrashDuringARenewal covers every state that a crash can leave: the file has its old content until it has its new
// one, and beside it there may be what was being written.
func TestACrashDuringARenewal(t *testing.T) {
	root := authority(t, domain)
	next := read(t, stored(t, root, "order"))
	for name, written := range map[string]int{"nothing": 0, "half of the key": 50, "half of it": len(next) / 2, "all of it": len(next)} {
		t.Run(name+" was written", func(t *testing.T) {
			path := stored(t, root, "order")
			before := openKeyPair(t, path).Current().Leaf
			text := read(t, path)
			dir := filepath.Dir(path)
			write(t, filepath.Join(dir, ".new-order.pem-123"), next[:written], 0o600)
			unchanged(t, openKeyPair(t, path), path, before, text)
		})
	}
	t.Run("at the first start", func(t *testing.T) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, ".new-order.pem-123"), next, 0o600)
		if i := openKeyPair(t, filepath.Join(dir, "order.pem")); i.Current() != nil {
			t.Error("it uses what was not finished")
		}
	})
	t.Run("another workload is renewing beside it", func(t *testing.T) {
		path := stored(t, root, "order")
		busy := filepath.Join(filepath.Dir(path), ".new-inventory.pem-123")
		write(t, busy, nil, 0o600)
		openKeyPair(t, path)
		remove(t, busy)
	})
	t.Run("while it is being granted", func(t *testing.T) {
		path := stored(t, root, "order")
		i := openKeyPair(t, path)
		before, text := i.Current().Leaf, read(t, path)
		func() {
			defer func() { _ = recover() }()
			_ = i.Renew(t.Context(), pki.ID(domain, "order"), func(context.Context, []byte) ([][]byte, error) { panic("a crash") })
		}()
		unchanged(t, i, path, before, text)
		renew(t, i, pki.ID(domain, "order"), grants(root, "order")) // and nothing is held up
	})
}
