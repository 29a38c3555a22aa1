package systemtest_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/system"
)

// The feed is read every second, and tokens are asked for all the time: an STS that is away is one line, and another when
// it is back.
func TestAnSTSThatIsAwayIsLoggedOnce(t *testing.T) {
	s := openSplit(t)
	s.stop("sts")
	for range 5 {
		s.wants(s.do("GET", "/order", bearer(s.token("alice"))), 503)
	}
	if lines := s.lines("gateway", "calls to a module fail", "callee=sts"); len(lines) != 1 {
		t.Errorf("%d lines, want 1: %q", len(lines), lines)
	}
	s.start("sts")
	s.logged("gateway", "level=INFO", "calls to a module succeed again", "callee=sts")
}

// A module that was away while the root was replaced knows the old one alone. Whoever lets it in again says which root
// there is now.
func TestAModuleThatSleptThroughANewRootComesBack(t *testing.T) {
	short := func(c *system.Config) { c.Trust.CertificateTTL = 4 * time.Second }
	s := openSplit(t, short)
	s.stop("order")
	feed := filepath.Join(s.config.DataDir, "pki", "feed.json")
	slept, err := os.ReadFile(feed)
	if err != nil {
		t.Fatal(err)
	}
	s.rotateRoot(time.Second, 4*time.Second)
	if !soon(func() bool {
		list, err := sts.ListCertificates.Call(s.Context(), s.operators(), sts.ListRequest{})
		return err == nil && len(list.Roots) == 1
	}) {
		t.Fatal("the old root does not go")
	}
	s.trustRoots()
	s.wants(s.do("GET", "/order", bearer(s.token("alice"))), 503)
	if err := os.WriteFile(feed, slept, 0o600); err != nil { // as a machine of its own has it
		t.Fatal(err)
	}
	s.start("order", short)
	s.logged("order", "msg=enrolled")
	if !soon(func() bool { return s.do("GET", "/order", bearer(s.token("alice"))).status == 200 }) {
		t.Errorf("it is not back\n%s", s.logs["order"])
	}
}
