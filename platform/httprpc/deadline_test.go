package httprpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/httprpc"
)

func TestASlowCalleeIsLeftWhenTheTimeIsUp(t *testing.T) {
	w := newWorld(t)
	ended := make(chan error, 100)
	w.service.do = func(ctx context.Context, in sample) (sample, error) {
		<-ctx.Done()
		ended <- ctx.Err()
		return in, nil
	}
	w.start()
	conn := w.conn("gateway")
	// On a busy machine the time may be up before the callee is reached; then there is nothing to see, and another call is made.
	seen := func(call func() error) error {
		for {
			if err := call(); fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Fatalf("the caller got %v", err)
			}
			select {
			case err := <-ended:
				return err
			case <-time.After(time.Second):
			}
		}
	}
	if err := seen(func() error { _, err := hurry.Call(t.Context(), conn, sample{}); return err }); err == nil {
		t.Error("the callee went on after the row's timeout")
	}
	if err := seen(func() error { // nearer than the row's minute
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := again.Call(ctx, conn, sample{})
		return err
	}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the callee saw %v", err)
	}
}

func TestTheCalleeKnowsHowMuchTimeIsLeftAndKeepsSomeForItself(t *testing.T) {
	w := newWorld(t)
	var left time.Time
	w.service.do = func(ctx context.Context, in sample) (sample, error) { left, _ = ctx.Deadline(); return in, nil }
	w.start()
	conn := w.conn("gateway")
	for _, given := range []time.Duration{10 * time.Second, time.Hour} {
		ctx, cancel := context.WithTimeout(t.Context(), given)
		theirs, _ := ctx.Deadline()
		if row := time.Now().Add(time.Minute); row.Before(theirs) {
			theirs = row.Add(time.Second) // the row's timeout starts a little later than now
		}
		if _, err := once.Call(ctx, conn, sample{}); err != nil || !left.Before(theirs) || left.Before(theirs.Add(-5*time.Second)) {
			t.Errorf("%v: the caller waits until %v, the callee works until %v", err, theirs, left)
		}
		cancel()
	}
}

func TestTheCalleeSeesThatItsCallerHasLeft(t *testing.T) {
	w := newWorld(t)
	arrived, seen := make(chan struct{}), make(chan error)
	w.service.do = func(ctx context.Context, in sample) (sample, error) {
		if in.ID == "stays" {
			return in, nil
		}
		close(arrived)
		<-ctx.Done()
		seen <- ctx.Err()
		return in, nil
	}
	w.start()
	conn := w.conn("gateway")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := once.Call(ctx, conn, sample{}); done <- err }()
	<-arrived
	cancel()
	if err := <-done; fault.CodeOf(err) != fault.Canceled {
		t.Errorf("the caller got %v", err)
	}
	if err := <-seen; !errors.Is(err, context.Canceled) {
		t.Errorf("the callee saw %v", err)
	}
	if _, err := once.Call(t.Context(), conn, sample{ID: "stays"}); err != nil || w.handshakes.Load() != 1 {
		t.Errorf("%v: the connection has %d handshakes", err, w.handshakes.Load())
	}
	if len(w.log.Lines("level=WARN")) != 0 {
		t.Error("a caller that leaves is not an outage")
	}
}

func TestADeadConnectionIsNotUsedForEver(t *testing.T) {
	w := newWorld(t).start()
	relay := w.relay(nil)
	config := w.authority.client(t, "gateway")
	transport := httprpc.NewTransport(httprpc.TransportOptions{TLS: func() *tls.Config { return config }, Generation: w.generation.Load})
	transport.SetSilence(50 * time.Millisecond)
	defer transport.Close()
	conn := w.connTo("gateway", relay.url, transport)
	if _, err := once.Call(t.Context(), conn, sample{}); err != nil {
		t.Fatal(err)
	}
	relay.freeze()
	_, err := hurry.Call(t.Context(), conn, sample{})
	if code := fault.CodeOf(err); code != fault.DeadlineExceeded && code != fault.Unavailable {
		t.Errorf("into the black hole: %v", err)
	}
	for { // ends with the connection, or with the test's own deadline
		if _, err := hurry.Call(t.Context(), conn, sample{}); err == nil {
			break
		}
	}
	if got := w.handshakes.Load(); got < 2 {
		t.Errorf("%d handshakes", got)
	}
}
