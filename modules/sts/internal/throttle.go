package internal

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"oms/platform/bounded"
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
		bounded.MakeRoom(t.keys, maxTracked, func(l *rate.Limiter) bool { return l.TokensAt(now) >= float64(t.burst) }) // nothing left to wait for
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

// guesses bounds failed sign-ins by name and by address.
type guesses struct{ names, addresses *throttle }

func newGuesses() *guesses {
	return &guesses{newThrottle(accountGuesses, accountPause), newThrottle(addressGuesses, addressPause)}
}

func (g *guesses) take(name, address string, now time.Time) time.Duration {
	if len(name) > maxPassword {
		name = name[:maxPassword] // nobody's name; it must not cost memory
	}
	if wait := g.addresses.take(address, now); wait > 0 {
		return wait // and no name is tracked for it: made-up names must not push out those that are guessed at
	}
	return g.names.take(name, now)
}
