package systemtest

import (
	"os"
	"os/exec"
	"testing"
)

// RequireInstalled says where a program of one of Debian's packages is, or skips the test for want of it; where skips are
// forbidden, it fails.
func RequireInstalled(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	require(t, err == nil, program, "install Debian's package "+debian)
	return path
}

// require goes on if a component was found.
func require(t testing.TB, found bool, what, how string) {
	t.Helper()
	switch {
	case found:
	case os.Getenv("NO_SKIP") != "":
		t.Fatalf("%s is missing: %s", what, how)
	default:
		t.Skipf("SKIPPED, %s is missing: %s", what, how)
	}
}
