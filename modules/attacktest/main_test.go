package attacktest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"oms/modules/systemtest"
)

// binary is the program as it is delivered: a test binary, or one with the race detector, has another memory.
var binary string

// long reports whether the attacks are as large as docs/security.md tells.
var long = os.Getenv("ATTACKS") == "long"

// ports has one for every module.
var ports = systemtest.NewPorts(4)

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "attacks")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "app")
	build := exec.Command("go", "build", "-o", binary, "oms")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "the program cannot be built:", err)
		return 1
	}
	return m.Run()
}

// either is how much is sent: little in a test run, all of it in the long form.
func either(short, all int) int {
	if long {
		return all
	}
	return short
}
