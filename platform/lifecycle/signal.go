package lifecycle

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
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
