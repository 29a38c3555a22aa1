package peer

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"oms/platform/pki"
)

// FuzzKeyFile: a file of a workload's keys is read whole or refused in a sentence that shows nothing of it, and what is
// accepted signs and is published.
func FuzzKeyFile(f *testing.F) {
	dir := f.TempDir()
	now := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	made := filepath.Join(dir, "made.keys")
	if _, err := openKeys(made, now); err != nil {
		f.Fatal(err)
	}
	text, err := pki.ReadSecret(made)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(text[:len(text)-2])
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"keys":[{"kid":"a","private":"AAAA"}]}`))
	f.Add([]byte(strings.ReplaceAll(string(text), `"kid":"`, `"kid":"x`)))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "order.keys")
		if err := pki.WriteSecret(path, text); err != nil {
			t.Fatal(err)
		}
		keys, err := openKeys(path, now)
		if err != nil {
			if !strings.Contains(err.Error(), "damaged") || len(err.Error()) > len(path)+200 {
				t.Fatal(err)
			}
			return
		}
		if _, public, err := keys.current(); err != nil || !strings.Contains(public, `"kid"`) || strings.Contains(public, "private") {
			t.Fatalf("published %q, %v", public, err)
		}
		ring, err := readKeys(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeKeys(path, ring.Keys); err != nil {
			return // a year beyond 9999 can be held and not be written
		}
		if again, err := readKeys(path); err != nil || !reflect.DeepEqual(again, ring) {
			t.Fatalf("written again: %v", err)
		}
	})
}
