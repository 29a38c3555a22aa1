package systemtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// WithProgram runs a package's tests [Alone], with the program as it is delivered, which they find at path: a test binary, or one
// with the race detector, takes other times and another memory. It gives the exit status.
func WithProgram(m *testing.M, use func(path string)) int {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "app")
	build := exec.Command("go", "build", "-o", path, "oms")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "the program cannot be built:", err)
		return 1
	}
	use(path)
	return Alone(m.Run)
}
