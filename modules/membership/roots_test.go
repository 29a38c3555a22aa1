package membership

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/token"
)

// announced is what an STS says that has these roots for workloads and for the public listener; nil is none.
func announced(t *testing.T, workloads, public *pki.Authority) sts.Feed {
	t.Helper()
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	feed := sts.Feed{Version: "1", JWKS: string(jwks), Roots: string(rootsOf(t, "orders.local", workloads))}
	if public != nil {
		feed.PublicRoots, feed.PublicRoot = string(rootsOf(t, "", public)), public.Fingerprint()
	}
	return feed
}

func rootsOf(t *testing.T, domain string, root *pki.Authority) []byte {
	t.Helper()
	roots, err := pki.NewRoots(domain, root.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	return roots.PEM()
}

// newRoots are a root of each kind.
func newRoots(t *testing.T) (workloads, public *pki.Authority) {
	t.Helper()
	workloads, err := pki.NewAuthority("orders.local", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	public, err = pki.NewPublicAuthority("orders.local", []string{"localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return workloads, public
}

// Each of the two files has its own roots. With an STS of an earlier version, people import the one root that there is.
func TestPeopleGetTheRootsThatAreForThem(t *testing.T) {
	workloads, public := newRoots(t)
	for name, c := range map[string]struct{ announced, want *pki.Authority }{"two roots": {public, public}, "an STS of an earlier version": {nil, workloads}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			m, err := Open(stranded(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := m.apply(announced(t, workloads, c.announced)); err != nil {
				t.Fatal(err)
			}
			if err := m.saveFeed(time.Now()); err != nil {
				t.Fatal(err)
			}
			for file, want := range map[string][]byte{"root.pem": rootsOf(t, "", c.want), "workloads.pem": rootsOf(t, "", workloads)} {
				if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s holds %s, %v", file, got, err)
				}
			}
		})
	}
}

// A certificate of a root that does not sign any more is renewed at once, however long it lives.
func TestThePublicCertificateFollowsItsRoot(t *testing.T) {
	workloads, public := newRoots(t)
	_, next := newRoots(t)
	o := stranded(t, t.TempDir())
	o.Workloads, o.Public = nil, []string{"localhost"}
	m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if m.publicReplaced() {
		t.Error("there is no certificate yet, and it was replaced")
	}
	if err := m.public.Renew(t.Context(), "", func(_ context.Context, request []byte) ([][]byte, error) {
		leaf, err := public.IssueServer(request, []string{"localhost"}, time.Now(), time.Hour)
		if err != nil {
			return nil, err
		}
		return [][]byte{leaf.Raw, public.Certificate().Raw}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		root     *pki.Authority
		replaced bool
	}{{"its own root signs", public, false}, {"another root signs", next, true}, {"an STS of an earlier version does not say", nil, false}} {
		if m.feed = announced(t, workloads, c.root); m.publicReplaced() != c.replaced {
			t.Errorf("%s: it was replaced: %v", c.name, !c.replaced)
		}
	}
}
