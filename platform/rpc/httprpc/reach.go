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
		r.log.Warn("calls to a module fail", "error", cause.Error())
	}
}

func (r *reach) found() {
	if r.away.Load() && r.away.Swap(false) {
		r.log.Info("calls to a module succeed again")
	}
}
