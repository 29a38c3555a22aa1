// Package lifecycle starts and stops a process: its listeners, its background loops, its databases.
//
// It promises an order: parts start one after the other, each ready before the next begins, and stop in reverse, so
// that nothing is taken from under what still uses it. A failure of one part stops all of them, and every error is
// told. It does not restart parts, and it does not watch their health.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// Part is something that a process starts and stops. Every function may be nil: a database is closed (Stop), a relay
// runs (Run), a server does all three.
type Part struct {
	Name string // as people know it, for logs and errors: "public listener"

	// Start returns when the part is ready to be used, or not at all. ctx ends when the process is told to stop or
	// another part fails; it does not end the part afterwards.
	Start func(ctx context.Context) error

	// Run is the part's work. It returns when ctx ends, or when Stop has made it; returning before is a failure of the
	// whole process, with or without an error.
	Run func(ctx context.Context) error

	// Stop ends the part in good order, before the ctx of Run ends. It is called once, only after a Start without an
	// error, also when ctx has already ended: then it gives up what it would have waited for, and frees what it holds.
	Stop func(ctx context.Context) error
}

// grace is how long a part's Run has to return after its ctx has ended, though the time to stop is used up: the time of
// one statement in a database, so that a slow listener does not have the database closed under the relay.
const grace = time.Second

// errEnded is a Run that returned without being asked.
var errEnded = errors.New("ended without being asked to")

// running is a part that has started.
type running struct {
	Part
	end     context.CancelFunc // ends the ctx of Run
	stopped atomic.Bool        // stop was called: from now on Run may return
	done    chan struct{}      // closed when Run has returned
	err     error              // of Run; read it after done
}

// start starts a part; failed is told when its Run returns too early. The end of ctx does not reach Run: a part stops
// when it is its turn, not when the process is told to.
func start(ctx context.Context, p Part, failed context.CancelCauseFunc) (*running, error) {
	if p.Start != nil {
		if err := p.Start(ctx); err != nil {
			return nil, didNotStart(p.Name, err)
		}
	}
	runCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{Part: p, end: end, done: make(chan struct{})}
	if p.Run == nil {
		close(r.done)
		return r, nil
	}
	go func() {
		defer close(r.done)
		err := p.Run(runCtx)
		switch {
		case !r.stopped.Load():
			r.err = errEnded
			if err != nil {
				r.err = err
			}
			failed(fmt.Errorf("%s: %w", p.Name, r.err))
		case !errors.Is(err, context.Canceled): // which is how many loops say that they were ended
			r.err = err
		}
	}()
	return r, nil
}

// stop stops a part and waits for its Run.
func (r *running) stop(ctx context.Context) error {
	r.stopped.Store(true)
	var errs []error
	if r.Stop != nil {
		if err := r.Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s did not stop in good order: %w", r.Name, err))
		}
	}
	r.end()
	if !r.returned(ctx) {
		return errors.Join(append(errs, fmt.Errorf("%s still runs although it was told to stop", r.Name))...)
	}
	if r.err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", r.Name, r.err))
	}
	return errors.Join(errs...)
}

// returned waits for Run until ctx ends, and for at least grace.
func (r *running) returned(ctx context.Context) bool {
	least := time.NewTimer(grace)
	defer least.Stop()
	select {
	case <-r.done:
		return true
	case <-least.C:
	}
	select {
	case <-r.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// Run starts the parts in order and returns when all of them have stopped: after ctx has ended, or after a part has
// failed to start or to go on. They stop in reverse order, and have stopWithin for it together. The error joins what
// every part had to say; a process that was told to stop and did so returns nil.
func Run(ctx context.Context, log *slog.Logger, stopWithin time.Duration, parts ...Part) error {
	ctx, failed := context.WithCancelCause(ctx)
	started, err := startAll(ctx, failed, parts)
	if err != nil {
		failed(err)
	} else if ctx.Err() == nil {
		log.Info("ready")
	}
	<-ctx.Done()
	log.Info("stopping", "because", context.Cause(ctx), "within", stopWithin)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	errs := []error{err}
	for _, r := range slices.Backward(started) {
		errs = append(errs, r.stop(ctx))
		log.Debug("stopped", "part", r.Name)
	}
	return errors.Join(errs...)
}

// startAll starts parts until one fails or ctx ends. Being told to stop while starting is no failure.
func startAll(ctx context.Context, failed context.CancelCauseFunc, parts []Part) ([]*running, error) {
	var started []*running
	for _, p := range parts {
		if ctx.Err() != nil {
			return started, nil //nolint:nilerr // being told to stop is no failure
		}
		r, err := start(ctx, p, failed)
		if err != nil {
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return started, nil
			}
			return started, err
		}
		started = append(started, r)
	}
	return started, nil
}

// didNotStart is why a process ends before it was ready.
func didNotStart(part string, why error) error { return fmt.Errorf("%s did not start: %w", part, why) }
