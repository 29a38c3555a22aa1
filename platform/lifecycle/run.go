package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// UntilSignal is a context that ends at the first SIGINT or SIGTERM. When it has ended, both have their usual effect
// again, so a second one ends the process at once. Call stop when the work is done.
func UntilSignal(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, end := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1) // the first one is kept until it is received
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		var cause error
		select {
		case first := <-signals:
			cause = fmt.Errorf("signal: %v", first)
		case <-ctx.Done():
		}
		signal.Stop(signals) // before ctx ends, unlike signal.NotifyContext: no second signal is lost in between
		end(cause)
	}()
	return ctx, func() { end(nil) }
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
