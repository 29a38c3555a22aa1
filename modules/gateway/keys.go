package gateway

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"oms/modules/sts"
	"oms/platform/token"
)

// refetchInterval bounds what tokens with made-up key ids can make us ask of the STS.
const refetchInterval = 10 * time.Second

// keyCache keeps the STS's public keys. It is safe for concurrent use.
type keyCache struct {
	sts    sts.Service
	now    func() time.Time
	flight singleflight.Group

	mu      sync.RWMutex
	keys    *token.KeySet // nil until the first fetch
	fetched time.Time
}

// having gives the keys, with the one of kid among them if the STS has it. An unknown kid makes it fetch them again,
// once for all who wait and at most every [refetchInterval]; when that fails, the keys stay what they are.
func (c *keyCache) having(ctx context.Context, kid string) (*token.KeySet, error) {
	keys, fetched := c.cached()
	if _, known := keys.Lookup(kid); known || keys != nil && c.now().Sub(fetched) < refetchInterval {
		return keys, nil
	}
	fresh, err, _ := c.flight.Do("keys", func() (any, error) { return c.fetch(context.WithoutCancel(ctx)) })
	if err != nil {
		if keys != nil {
			return keys, nil
		}
		return nil, err
	}
	return fresh.(*token.KeySet), nil
}

func (c *keyCache) cached() (*token.KeySet, time.Time) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.keys, c.fetched
}

func (c *keyCache) fetch(ctx context.Context) (*token.KeySet, error) {
	answer, err := c.sts.Keys(ctx, sts.KeysRequest{})
	var keys *token.KeySet
	if err == nil {
		keys, err = token.ParseKeySet([]byte(answer.JWKS))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetched = c.now() // a failure too: the next attempt is no sooner
	if err != nil {
		return nil, err
	}
	c.keys = keys
	return keys, nil
}
