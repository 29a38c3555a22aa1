package gateway

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"oms/modules/sts"
	"oms/platform/token"
)

const (
	// refetchInterval bounds what tokens with made-up key ids can make us ask of the STS.
	refetchInterval = 10 * time.Second
	// retryInterval is that bound as long as there are no keys at all: the STS may still be starting, and nobody can be
	// let in before.
	retryInterval = time.Second
)

// keyCache keeps the STS's public keys. It is safe for concurrent use.
type keyCache struct {
	sts    sts.Service
	now    func() time.Time
	flight singleflight.Group

	mu      sync.RWMutex
	keys    *token.KeySet // nil until the first fetch that succeeded
	failure error         // of the last fetch
	fetched time.Time     // when the last fetch ended, however it did
}

// having gives the keys, with the one of kid among them if the STS has it. An unknown kid makes it fetch them again,
// once for all who wait and at most every [refetchInterval]; when that fails, the keys stay what they are.
func (c *keyCache) having(ctx context.Context, kid string) (*token.KeySet, error) {
	if !c.due(kid) {
		return c.cached()
	}
	_, _, _ = c.flight.Do("keys", func() (any, error) {
		if c.due(kid) { // a fetch may have ended between the question above and this flight
			c.fetch(context.WithoutCancel(ctx))
		}
		return nil, nil
	})
	return c.cached()
}

// due says whether a fetch may help with kid, and is allowed now.
func (c *keyCache) due(kid string) bool {
	now := c.now()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if _, known := c.keys.Lookup(kid); known {
		return false
	}
	interval := refetchInterval
	if c.keys == nil {
		interval = retryInterval
	}
	return c.fetched.IsZero() || now.Sub(c.fetched) >= interval
}

// cached gives the keys, or why there are none yet.
func (c *keyCache) cached() (*token.KeySet, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.keys == nil {
		return nil, c.failure
	}
	return c.keys, nil
}

func (c *keyCache) fetch(ctx context.Context) {
	answer, err := c.sts.Keys(ctx, sts.KeysRequest{})
	var keys *token.KeySet
	if err == nil {
		keys, err = token.ParseKeySet([]byte(answer.JWKS))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetched, c.failure = c.now(), err
	if err == nil {
		c.keys = keys
	}
}
