package systemtest

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Alone runs a package's tests while those of no other package run that asks for the same on this machine: attacks and loads want
// all of it, and clients that they slow down see time limits instead of answers. go test runs packages beside each other.
func Alone(run func() int) int {
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), fmt.Sprintf("oms-tests-%d.lock", os.Getuid())), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		defer func() { _ = lock.Close() }()
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the tests cannot wait for each other:", err)
		return 1
	}
	return run()
}
