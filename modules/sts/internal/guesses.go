package internal

import (
	"sync"
	"time"

	"oms/modules/sts"
)

const (
	// nameGuesses failed sign-ins as one name are let through at once, by all strangers together, then one every namePause:
	// some 8,600 a day, which finds no password that is worth the name.
	nameGuesses = 10
	namePause   = 10 * time.Second
	// pairGuesses are those of one address at one name: half of them, so that one address does not use up what the owner of
	// the name has on a new browser.
	pairGuesses = 5
	pairPause   = 20 * time.Second
	// addressGuesses are those of one address at all names: behind it there may be an office.
	addressGuesses = 50
	addressPause   = 2 * time.Second
	// browserGuesses are those of a browser that has signed in as the name before. It waits for no stranger.
	browserGuesses = 10
	browserPause   = 10 * time.Second
)

// guesses bounds failed sign-ins. It is safe for concurrent use.
//
// A stranger is bounded by name and address together, by address, and by name; a browser that is known to the name by itself
// alone, so that nobody who guesses from elsewhere keeps the owner out. What is nobody's name, because no user can have
// it, is bounded by address alone: it takes no room from names.
type guesses struct {
	mu                                sync.Mutex
	names, pairs, addresses, browsers *throttle
}

func newGuesses() *guesses {
	return &guesses{
		names: newThrottle(nameGuesses, namePause), pairs: newThrottle(pairGuesses, pairPause),
		addresses: newThrottle(addressGuesses, addressPause), browsers: newThrottle(browserGuesses, browserPause),
	}
}

// guesser is who tries to sign in, as attempts are counted.
type guesser struct {
	name    string
	address string // see [limits.AddressKey]
	browser string // the digest of the reference by which the name knows it; "" is a stranger
}

// bound is a throttle that an attempt has to pass, by a key.
type bound struct {
	throttle *throttle
	key      throttleKey
}

// bounds are those that an attempt has to pass.
func (g *guesses) bounds(of guesser) []bound {
	if of.browser != "" {
		return []bound{{g.browsers, keyOf(of.name, of.browser)}}
	}
	bounds := []bound{{g.addresses, keyOf(of.address)}}
	if sts.CheckUserName(of.name) == nil {
		bounds = append(bounds, bound{g.names, keyOf(of.name)}, bound{g.pairs, keyOf(of.name, of.address)})
	}
	return bounds
}

// wait is how long to wait for the next attempt; 0 is not at all.
func (g *guesses) wait(of guesser, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return longest(g.bounds(of), now)
}

func longest(bounds []bound, now time.Time) (wait time.Duration) {
	for _, b := range bounds {
		wait = max(wait, b.throttle.wait(b.key, now))
	}
	return wait
}

// take counts an attempt as failed until succeeded is called, or says how long to wait for it, and counts nothing.
func (g *guesses) take(of guesser, now time.Time) (succeeded func(), wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	bounds := g.bounds(of)
	if wait := longest(bounds, now); wait > 0 {
		return nil, wait
	}
	var taken []*bucket
	for _, b := range bounds {
		taken = append(taken, b.throttle.take(b.key, now))
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for _, b := range taken {
			b.failures = max(0, b.failures-1)
		}
	}, 0
}
