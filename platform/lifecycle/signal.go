package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// ends are the signals by which people, shells and init systems end a process.
var ends = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT}

// UntilSignal is a context that ends at the first SIGINT, SIGTERM or SIGQUIT. When it has ended, they have their usual effect
// again, so a second one ends the process at once. Call stop when the work is done.
func UntilSignal(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, end := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1) // the first one is kept until it is received
	signal.Notify(signals, ends...)
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

// told are signals that say something to other programs, and would end this one: a terminal that closes, a reload (HUP), a log
// to be opened anew (USR1), power that fails, timers and bounds that somebody has set around the process.
var told = []os.Signal{
	syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM, syscall.SIGVTALRM, syscall.SIGXCPU, syscall.SIGIO, syscall.SIGPWR,
}

// Outlive has the process go on, from now to its end, when one of the signals comes that do not ask it to end; the log says
// so. It goes on too where nobody reads what it writes (SIGPIPE), and where a file must not become larger (SIGXFSZ): the
// writing fails, and whoever writes is told.
func Outlive(log *slog.Logger) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, told...)
	go func() {
		for one := range signals {
			log.Info("a signal changes nothing; the configuration is read at the start", "signal", one.String())
		}
	}()
}
