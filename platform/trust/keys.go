package trust

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"oms/platform/token"
)

const (
	// refetchInterval bounds what tokens with made-up key ids can make us ask of the STS.
	refetchInterval = 10 * time.Second
	// retryInterval is that bound as long as there are no keys at all: the STS may still be starting, and nobody can be
	// let in before.
	retryInterval = time.Second
)

// Keys are the STS's public keys, as they are known here. It is safe for concurrent use.
//
// Changes are announced ([Keys.Announce]), so that a flood of made-up key ids cannot keep a new key away; only where an
// announcement is late is the STS asked. Other issuers' keys are never among them: a key is known by issuer and kid.
type Keys struct {
	fetch  func(context.Context) (*token.KeySet, error)
	now    func() time.Time
	flight singleflight.Group

	mu      sync.RWMutex
	keys    *token.KeySet // nil until the first that were announced or fetched
	failure error         // of the last fetch
	fetched time.Time     // when the last fetch ended, however it did
}

// NewKeys makes a set that asks fetch for what it does not know.
func NewKeys(fetch func(context.Context) (*token.KeySet, error), now func() time.Time) *Keys {
	return &Keys{fetch: fetch, now: now}
}

// Announce replaces the keys. It says nothing about when they may be fetched.
func (k *Keys) Announce(keys *token.KeySet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = keys
}

// Having gives the keys, with the one of kid among them if the STS has it. An unknown kid makes it fetch them again,
// once for all who wait and at most every ten seconds; when that fails, the keys stay what they are.
func (k *Keys) Having(ctx context.Context, kid string) (*token.KeySet, error) {
	if !k.due(kid) {
		return k.known()
	}
	_, _, _ = k.flight.Do("keys", func() (any, error) {
		if k.due(kid) { // a fetch may have ended between the question above and this flight
			k.refetch(context.WithoutCancel(ctx))
		}
		return nil, nil
	})
	return k.known()
}

// due says whether a fetch may help with kid, and is allowed now.
func (k *Keys) due(kid string) bool {
	now := k.now()
	k.mu.RLock()
	defer k.mu.RUnlock()
	if _, known := k.keys.Lookup(kid); known {
		return false
	}
	interval := refetchInterval
	if k.keys == nil {
		interval = retryInterval
	}
	return k.fetched.IsZero() || now.Sub(k.fetched).Abs() >= interval
}

// known gives the keys, or why there are none yet.
func (k *Keys) known() (*token.KeySet, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.keys == nil {
		return nil, k.failure
	}
	return k.keys, nil
}

func (k *Keys) refetch(ctx context.Context) {
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fetched, k.failure = k.now(), err
	if err == nil {
		k.keys = keys
	}
}
