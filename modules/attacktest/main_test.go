package attacktest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"oms/modules/systemtest"
)

// binary is the program as it is delivered.
var binary string

// long reports whether the attacks are as large as docs/security.md tells.
var long = os.Getenv("ATTACKS") == "long"

// ports has one for every module.
var ports = systemtest.NewPorts(4)

// What the environment says to this package's own processes: areClients to the honest clients, isBare to the bare server, and
// areLast to the attackers, who have given way already.
const (
	areClients = "ATTACKS_CLIENTS"
	isBare     = "ATTACKS_BARE"
	areLast    = "ATTACKS_LAST"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(areClients) != "":
		be(beClients)
	case os.Getenv(isBare) != "":
		be(beBare)
	case long && os.Getenv(areLast) == "":
		os.Exit(giveWay())
	default:
		os.Exit(systemtest.WithProgram(m, func(path string) { binary = path }))
	}
}

// be is what such a process does, from its input to its output.
func be(what func(in io.Reader, out io.Writer) error) {
	if err := what(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// giveWay runs the tests as a process that gets the processors last: the attackers of the world have their own.
func giveWay() int {
	again := exec.Command("nice", append([]string{"-n", "19", "--"}, os.Args...)...) // #nosec G702 -- these tests once more
	again.Env, again.Stdin, again.Stdout, again.Stderr = append(os.Environ(), areLast+"=1"), os.Stdin, os.Stdout, os.Stderr
	if err := again.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// firstInLine is a command that gets the processors before the attackers do, in the long form, which measures; it needs root.
func firstInLine(name string, args ...string) *exec.Cmd {
	if long {
		return exec.Command("nice", append([]string{"-n", "-19", "--", name}, args...)...) // nice(1) counts from 19
	}
	return exec.Command(name, args...)
}

// either is how much is sent: little in a test run, all of it in the long form.
func either(short, all int) int {
	if long {
		return all
	}
	return short
}
