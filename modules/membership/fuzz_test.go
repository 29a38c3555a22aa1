package membership

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/token"
	"oms/platform/trust"
)

// stranded is a process that has a directory and hears from nobody.
func stranded(t testing.TB, dir string) Options {
	t.Helper()
	nobody := func(context.Context) (*token.KeySet, error) { return nil, errors.New("nobody is there") }
	return Options{
		Domain: "orders.local", Dir: dir, Workloads: []string{"order"}, JoinFile: func(string) string { return filepath.Join(dir, "order.join") },
		Keys: trust.NewKeys(nobody, time.Now), Revocations: &trust.Revocations{}, Peers: pki.NewPeers("orders.local", time.Now), Now: time.Now,
		Log: slog.New(slog.DiscardHandler),
	}
}

// FuzzFeedFile: an announcement that was kept is put in force whole, and is the same when it is kept again, or the process
// does not start and says which file to remove.
func FuzzFeedFile(f *testing.F) {
	root, err := pki.NewAuthority("orders.local", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	roots, err := pki.NewRoots("orders.local", root.Certificate())
	if err != nil {
		f.Fatal(err)
	}
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		f.Fatal(err)
	}
	set, err := token.NewKeySet(key.Public())
	if err != nil {
		f.Fatal(err)
	}
	jwks, err := json.Marshal(set)
	if err != nil {
		f.Fatal(err)
	}
	public, err := pki.NewPublicAuthority("orders.local", []string{"localhost"}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	publicRoots, err := pki.NewRoots("", public.Certificate())
	if err != nil {
		f.Fatal(err)
	}
	good, err := json.Marshal(sts.Feed{
		Version: "1", JWKS: string(jwks), Roots: string(roots.PEM()), PublicRoots: string(publicRoots.PEM()), PublicRoot: public.Fingerprint(), RevokedCertificates: []string{"1f"}, RevokedSubjects: map[string]time.Time{"alice": time.Unix(1_700_000_000, 0).UTC()},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte("{"), []byte(`{"heard_at":"2026-01-02T03:04:05Z","ended_grants":["a"],"revoked_before":"2026-01-02T03:04:05Z",`), 1))
	f.Add(bytes.Replace(good, []byte("{"), []byte(`{"heard_at":"soon",`), 1))
	f.Add(bytes.ReplaceAll(good, []byte("CERTIFICATE"), []byte("PRIVATE KEY")))
	f.Add(bytes.ReplaceAll(good, []byte("2023-"), []byte("-1-")))
	f.Add([]byte(`{"version":"1","jwks":"{\"keys\":[]}","roots":""}`))
	earlier, err := json.Marshal(sts.Feed{Version: "1", JWKS: string(jwks), Roots: string(roots.PEM())})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(earlier)
	f.Add(bytes.Replace(good, []byte("\"public_roots\":\"---"), []byte("\"public_roots\":\"-"), 1))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		o := stranded(t, dir)
		if err := pki.WriteSecret(filepath.Join(dir, "feed.json"), text); err != nil {
			t.Fatal(err)
		}
		m, err := Open(o)
		if err != nil {
			if !strings.Contains(err.Error(), "feed.json is damaged") || o.Peers.Generation() != 0 {
				t.Fatalf("generation %d: %v", o.Peers.Generation(), err)
			}
			return
		}
		if err := m.saveFeed(time.Now()); err != nil {
			t.Fatalf("accepted and cannot be kept: %v", err)
		}
		again, err := Open(stranded(t, dir))
		if err != nil {
			t.Fatalf("kept again: %v", err)
		}
		first, _ := json.Marshal(m.feed)
		if second, _ := json.Marshal(again.feed); !bytes.Equal(first, second) {
			t.Fatalf("%s is kept as %s", first, second)
		}
	})
}

// FuzzJoinFile: a file holds the workload's join token on a line of its own, or the process says what to do and shows nothing of it.
func FuzzJoinFile(f *testing.F) {
	const digest = "0123456789abcdef"
	for _, seed := range []string{
		"order.RANDOM." + digest + "\n", "inventory.RANDOM." + digest + "\norder.OTHER." + digest, "order.RANDOM", "order..", "order..\r0", "order.a\rb.c", "order.a.b.c", "", "\xff\xfe\x00", strings.Repeat("order.", 20_000),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		m, err := Open(stranded(t, dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := pki.WriteSecret(filepath.Join(dir, "order.join"), text); err != nil {
			t.Fatal(err)
		}
		token, fingerprint, err := m.joinToken(m.certificates["order"])
		if err != nil {
			if token != "" || fingerprint != "" || len(err.Error()) > 300+len(dir) {
				t.Fatalf("%q, %v", token.Reveal(), err)
			}
			return
		}
		if !strings.HasPrefix(token.Reveal(), "order.") || !strings.HasSuffix(token.Reveal(), "."+fingerprint) || strings.Count(token.Reveal(), ".") != 2 ||
			!bytes.Contains(text, []byte(token.Reveal())) || strings.ContainsAny(token.Reveal(), "\r\n") {
			t.Fatalf("%q is read as %q", text, token.Reveal())
		}
	})
}
