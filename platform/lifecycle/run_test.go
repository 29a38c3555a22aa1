package lifecycle_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"oms/platform/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

// record is what parts did, in order.
type record struct {
	mu    sync.Mutex
	steps []string
}

func (r *record) add(step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step)
}

// part is a part that records what it does and is well behaved.
func (r *record) part(name string) lifecycle.Part {
	return lifecycle.Part{
		Name:  name,
		Start: func(context.Context) error { r.add("start " + name); return nil },
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			r.add("end " + name)
			return ctx.Err()
		},
		Stop: func(context.Context) error { r.add("stop " + name); return nil },
	}
}

// whenStarted is a last part that does something as soon as all others have started.
func whenStarted(do func()) lifecycle.Part {
	return lifecycle.Part{Name: "last", Start: func(context.Context) error { do(); return nil }}
}

func (r *record) expect(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, r.steps); diff != "" {
		t.Error(diff)
	}
}

func TestPartsStartInOrderAndStopInReverse(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var r record
	err := lifecycle.Run(ctx, quiet, time.Minute, r.part("database"), r.part("relay"), lifecycle.Part{Name: "nothing"}, r.part("listener"), whenStarted(stop))
	if err != nil {
		t.Error(err)
	}
	r.expect(t, "start database", "start relay", "start listener",
		"stop listener", "end listener", "stop relay", "end relay", "stop database", "end database")
}

func TestAPartThatDoesNotStartStopsThoseBefore(t *testing.T) {
	var r record
	bad := r.part("relay")
	bad.Start = func(context.Context) error { return errors.New("no room") }
	err := lifecycle.Run(t.Context(), quiet, time.Minute, r.part("database"), bad, r.part("listener"))
	if err == nil || err.Error() != "relay did not start: no room" {
		t.Errorf("got %v", err)
	}
	r.expect(t, "start database", "stop database", "end database")
}

func TestAPartThatFailsStopsAll(t *testing.T) {
	for name, failure := range map[string]error{"with an error": errors.New("disk full"), "without one": nil} {
		t.Run(name, func(t *testing.T) {
			var r record
			broken := make(chan struct{})
			bad := r.part("relay")
			bad.Run = func(context.Context) error { <-broken; return failure }
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, nil))
			err := lifecycle.Run(t.Context(), log, time.Minute, r.part("database"), bad, r.part("listener"), whenStarted(func() { close(broken) }))
			want := "relay: ended without being asked to"
			if failure != nil {
				want = "relay: disk full"
			}
			if err == nil || err.Error() != want || !strings.Contains(out.String(), `because="`+want+`"`) {
				t.Errorf("got %v, want %s; log:\n%s", err, want, out.String())
			}
			r.expect(t, "start database", "start relay", "start listener",
				"stop listener", "end listener", "stop relay", "stop database", "end database")
		})
	}
}

func TestAFailureWhileOthersStartStopsAll(t *testing.T) {
	var r record
	bad := lifecycle.Part{Name: "relay", Run: func(context.Context) error { return errors.New("disk full") }}
	waits := r.part("listener")
	waits.Start = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	err := lifecycle.Run(t.Context(), quiet, time.Minute, r.part("database"), bad, waits, r.part("never"))
	if err == nil || err.Error() != "relay: disk full" {
		t.Errorf("got %v", err)
	}
	r.expect(t, "start database", "stop database", "end database")
}

func TestBeingToldToStopWhileStartingIsNoFailure(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var r record
	waits := r.part("listener")
	waits.Start = func(ctx context.Context) error { stop(); <-ctx.Done(); return ctx.Err() }
	if err := lifecycle.Run(ctx, quiet, time.Minute, r.part("database"), waits, r.part("never")); err != nil {
		t.Error(err)
	}
	r.expect(t, "start database", "stop database", "end database")
}

func TestEveryErrorIsTold(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	noisy := func(name string) lifecycle.Part {
		return lifecycle.Part{
			Name: name,
			Run:  func(ctx context.Context) error { <-ctx.Done(); return errors.New("lost a write") },
			Stop: func(context.Context) error { return errors.New("was busy") },
		}
	}
	err := lifecycle.Run(ctx, quiet, time.Minute, noisy("database"), noisy("relay"), whenStarted(stop))
	want := "relay did not stop in good order: was busy\nrelay: lost a write\ndatabase did not stop in good order: was busy\ndatabase: lost a write"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// TestTheTimeToStopIsShared lets one part use it all up. The next ones are stopped all the same; a Run that does not
// end is left behind after the second of grace that each has.
func TestTheTimeToStopIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		release := make(chan struct{})
		defer close(release)
		var r record
		stuck := lifecycle.Part{Name: "relay", Run: func(context.Context) error { <-release; return nil }}
		slow := lifecycle.Part{Name: "listener", Stop: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		begin := time.Now()
		err := lifecycle.Run(ctx, quiet, 30*time.Second, r.part("database"), stuck, slow, whenStarted(stop))
		want := "listener did not stop in good order: context deadline exceeded\nrelay still runs although it was told to stop"
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took != 31*time.Second {
			t.Errorf("it took %s", took)
		}
		r.expect(t, "start database", "stop database", "end database")
	})
}

func TestASlowRunHasTheTimeToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		slow := lifecycle.Part{Name: "relay", Run: func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(29 * time.Second) //nolint:forbidigo // of the bubble's clock: a long statement
			return nil
		}}
		if err := lifecycle.Run(ctx, quiet, 30*time.Second, slow, whenStarted(stop)); err != nil {
			t.Error(err)
		}
	})
}

func TestASignalEndsTheContext(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ctx, stop := lifecycle.UntilSignal(t.Context())
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if got, want := context.Cause(ctx).Error(), "signal: "+sig.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		stop()
	}
	ctx, stop := lifecycle.UntilSignal(t.Context())
	stop()
	<-ctx.Done()
}

// TestTheSecondSignalEndsAtOnce runs this test again as a process that never stops by itself.
func TestTheSecondSignalEndsAtOnce(t *testing.T) {
	const child = "LIFECYCLE_TEST_CHILD"
	if os.Getenv(child) != "" {
		ctx, stop := lifecycle.UntilSignal(context.Background())
		defer stop()
		forever := lifecycle.Part{Name: "forever", Stop: func(context.Context) error {
			_, _ = os.Stdout.WriteString("stopping\n")
			select {}
		}}
		ready := whenStarted(func() { _, _ = os.Stdout.WriteString("ready\n") })
		_ = lifecycle.Run(ctx, quiet, time.Hour, forever, ready)
		return
	}
	process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheSecondSignalEndsAtOnce$")
	process.Env = append(os.Environ(), child+"=1")
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ready\n", "stopping\n"} {
		got := make([]byte, len(want))
		if _, err := out.Read(got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
		if err := process.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	var exit *exec.ExitError
	if err := process.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", err)
	}
}
