package httprpc

import (
	"log/slog"
	"sync/atomic"
)

// reach logs when a callee stops answering and when it is back: not for every call in between.
type reach struct {
	log  *slog.Logger
	away atomic.Bool
}

func (r *reach) lost(cause error) {
	if !r.away.Swap(true) {
		r.log.Warn("a module does not answer; calls to it fail until it does", "error", cause.Error())
	}
}

func (r *reach) found() {
	if r.away.Load() && r.away.Swap(false) {
		r.log.Info("a module answers again")
	}
}
