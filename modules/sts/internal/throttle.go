package internal

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// accountGuesses failed sign-ins of one name are let through at once, then one every accountPause: some 8,600 a day,
	// which finds no password that is worth the name, and leaves its owner waiting for seconds only.
	accountGuesses = 10
	accountPause   = 10 * time.Second
	// addressGuesses is the same for one address, behind which there may be an office.
	addressGuesses = 50
	addressPause   = 2 * time.Second
	// maxTracked bounds the memory: names and addresses beyond it push out those that may try again anyway.
	maxTracked = 10_000
)

// throttle bounds how often one key may fail. It is safe for concurrent use.
type throttle struct {
	burst int
	pause time.Duration

	mu   sync.Mutex
	keys map[string]*rate.Limiter
}

func newThrottle(burst int, pause time.Duration) *throttle {
	return &throttle{burst: burst, pause: pause, keys: map[string]*rate.Limiter{}}
}

// take counts an attempt as failed until give says otherwise. wait is how long to come back after; 0 lets it through.
func (t *throttle) take(key string, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter := t.keys[key]
	if limiter == nil {
		t.makeRoom(now)
		limiter = rate.NewLimiter(rate.Every(t.pause), t.burst)
		t.keys[key] = limiter
	}
	if limiter.AllowN(now, 1) {
		return 0
	}
	return t.pause
}

// give forgets the failures of a key: its owner has shown who they are.
func (t *throttle) give(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, key)
}

// makeRoom drops the keys that have nothing left to wait for, and where that is not enough, any: a tenth of all at once, so
// that it is not done for every attempt of a flood.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.keys) < maxTracked {
		return
	}
	maps.DeleteFunc(t.keys, func(_ string, limiter *rate.Limiter) bool { return limiter.TokensAt(now) >= float64(t.burst) })
	for key := range t.keys {
		if len(t.keys) <= maxTracked*9/10 {
			return
		}
		delete(t.keys, key)
	}
}
