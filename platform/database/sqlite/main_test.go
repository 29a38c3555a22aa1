package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// child is the variable that makes the test binary another process of a test: it names the part to play.
const child = "DATABASE_TEST_PART"

// parts are what another process can play, with the arguments that it is started with.
var parts = map[string]func(args []string) error{
	"acknowledge": acknowledge,
	"fill":        fill,
	"beside":      beside,
	"refused":     refused,
}

func TestMain(m *testing.M) {
	if part := os.Getenv(child); part != "" {
		if err := parts[part](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// process prepares another process of this binary.
func process(t *testing.T, part string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), child+"="+part)
	return cmd
}

// play runs another process to its end and gives what it printed.
func play(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	return out.String()
}
