package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"oms/modules/order"
	"oms/platform/database"
)

// A crash point is where the process kills itself (SIGKILL) during one operation. Each step of the protocol has one
// before and one after it.
var crashPoints = []string{
	"before the first commit of order",
	"after the first commit of order",
	"before the call",
	"before the commit of inventory",
	"after the commit of inventory",
	"after the answer",
	"before the second commit of order",
	"after the second commit of order",
}

// pointsOf are the crash points of an operation: giving back asks no question first.
func pointsOf(operation string) []string {
	if operation == "cancel" {
		return crashPoints
	}
	return append([]string{"before the question"}, crashPoints...)
}

// The variables by which the test tells its other process what to do.
const (
	crashDirectory = "CRASH_TEST_DIRECTORY"
	crashOperation = "CRASH_TEST_OPERATION"
	crashPoint     = "CRASH_TEST_POINT"
)

// killer ends the process at its point.
type killer struct {
	point string
	mu    sync.Mutex
	armed bool
}

func (k *killer) at(point string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.armed && point == k.point {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing more happens here
	}
}

// store passes the crash points of a database's commits, counted from when the killer is armed.
type store struct {
	database.Store
	killer *killer
	name   func(nth int) string // of the nth commit; "" has no point
	nth    int
}

func (s *store) Write(ctx context.Context, work func(database.Tx) error) error {
	s.killer.mu.Lock()
	if s.killer.armed {
		s.nth++
	}
	name := s.name(s.nth)
	s.killer.mu.Unlock()
	s.killer.at("before " + name)
	err := s.Store.Write(ctx, work)
	s.killer.at("after " + name)
	return err
}

// TestCrashingProcess is the process that crashes; it does nothing unless the test below has started it.
func TestCrashingProcess(t *testing.T) {
	directory := os.Getenv(crashDirectory)
	if directory == "" {
		return
	}
	k := &killer{point: os.Getenv(crashPoint)}
	s := open(t, directory, storeWrappers{
		orders: func(db database.Store) database.Store {
			return &store{Store: db, killer: k, name: func(nth int) string {
				return map[int]string{1: "the first commit of order", 2: "the second commit of order"}[nth]
			}}
		},
		stock: func(db database.Store) database.Store {
			return &store{Store: db, killer: k, name: func(int) string { return "the commit of inventory" }}
		},
	})
	s.link.intercept(
		func(context.Context, string) error { k.at("before the call"); return nil },
		func(context.Context, string) error { k.at("after the answer"); return nil })
	s.link.interceptChecks(func(context.Context, string) error { k.at("before the question"); return nil })
	k.mu.Lock()
	k.armed = true
	k.mu.Unlock()
	err := s.perform(os.Getenv(crashOperation))
	t.Fatalf("the process has survived %q; the operation gave %v", k.point, err)
}

// perform is the request of the client that the process crashes in, and that the client repeats.
func (s *system) perform(operation string) error {
	switch operation {
	case "create":
		return s.create("new", 2)
	case "create without an id":
		return s.create("", 2)
	case "update":
		return s.update("old", 3)
	case "cancel":
		return s.cancel("old")
	}
	return errors.New("no such operation")
}

// crash prepares a system with one order and lets another process die in it.
func crash(t *testing.T, operation, point string) (directory string) {
	t.Helper()
	directory = t.TempDir()
	t.Run("prepare", func(t *testing.T) {
		s := open(t, directory, storeWrappers{})
		mustBe(t, "create", s.create("old", 1), "")
	})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashingProcess$")
	child.Env = append(os.Environ(), crashDirectory+"="+directory, crashOperation+"="+operation, crashPoint+"="+point)
	output, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process was not killed: %v\n%s", err, output)
	}
	return directory
}

func TestAfterACrashTheRepeatedRequestIsAnsweredAndTheStockIsRight(t *testing.T) {
	left := map[string]struct{ a, b int64 }{"create": {7, 5}, "update": {7, 4}, "cancel": {10, 5}}
	for operation, want := range left {
		for _, point := range pointsOf(operation) {
			// One after the other: a process that is just being started holds copies of the locks of all others.
			t.Run(operation+" "+point, func(t *testing.T) {
				s := open(t, crash(t, operation, point), storeWrappers{})
				for range 2 { // the second time on what the first has left
					mustBe(t, "the repeated request", s.perform(operation), "")
					s.mustBeAvailable(t, "a", want.a)
					s.mustBeAvailable(t, "b", want.b)
				}
				s.settleAll(t)
				s.mustAgree(t)
			})
		}
	}
}

func TestAfterACrashOrderAndStockAgreeWithoutTheClient(t *testing.T) {
	outcomes, crashes := map[string]int{}, 0
	for _, operation := range []string{"create", "create without an id", "update", "cancel"} {
		for _, point := range pointsOf(operation) {
			t.Run(operation+" "+point, func(t *testing.T) {
				s := open(t, crash(t, operation, point), storeWrappers{})
				s.settleAll(t)
				s.mustAgree(t)
				outcomes[operation+": "+s.outcome(t, operation)]++
				crashes++
			})
		}
	}
	t.Logf("%d crashes: %v", crashes, outcomes)
	for _, want := range []string{"create: no order", "create: confirmed", "create without an id: no order", "create without an id: expired", "update: confirmed 1", "update: confirmed 3", "cancel: confirmed 1", "cancel: cancelled"} {
		if outcomes[want] == 0 {
			t.Errorf("no crash ended in %q: %v", want, outcomes)
		}
	}
}

// outcome says what became of the order that the crashed request was about: the old one, or the one to be created.
func (s *system) outcome(t *testing.T, operation string) string {
	t.Helper()
	page, err := s.orders.List(admin, order.ListRequest{})
	if err != nil {
		t.Fatal(err)
	}
	newest := page.Data[0]
	switch creating := strings.HasPrefix(operation, "create"); {
	case creating && newest.ID == "old":
		return "no order"
	case creating || newest.Status != order.StatusConfirmed:
		return string(newest.Status)
	}
	return fmt.Sprint(newest.Status, " ", newest.Items[0].Qty)
}
