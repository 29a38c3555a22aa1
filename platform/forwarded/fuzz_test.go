package forwarded_test

import (
	"net/http"
	"net/netip"
	"testing"
)

// FuzzClient: whatever a client writes, the address that its proxy appends is the one that counts.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"", "6.6.6.6", "for=6.6.6.6", `for="`, `"`, ",", `for="[::1]:80"`, "\x00", "unknown", "10.0.0.1, 10.0.0.2", `for=10.0.0.1;by="a,b`} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	trusted := networksOf(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, written string, standard bool) {
		name, appended := "X-Forwarded-For", "198.51.100.7"
		if standard {
			name, appended = "Forwarded", "for=198.51.100.7"
		}
		for _, lines := range [][]string{{written + ", " + appended}, {written, appended}} {
			if got := trusted.Client(&http.Request{RemoteAddr: proxy, Header: http.Header{name: lines}}); got != "198.51.100.7:0" {
				t.Fatalf("%q counts as %s", lines, got)
			}
		}
		alone := trusted.Client(&http.Request{RemoteAddr: proxy, Header: http.Header{name: {written}}})
		if _, err := netip.ParseAddrPort(alone); err != nil {
			t.Fatalf("%q counts as %q: %v", written, alone, err)
		}
		if got := trusted.Client(&http.Request{RemoteAddr: stranger, Header: http.Header{name: {written}}}); got != stranger {
			t.Fatalf("a stranger who writes %q counts as %s", written, got)
		}
	})
}
