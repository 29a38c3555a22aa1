package trust

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"oms/platform/bounded"
	"oms/platform/fault"
	"oms/platform/identity"
)

const (
	// maxTokens bounds the memory that users with many credentials can take: some 2 KiB each.
	maxTokens = 10_000
	// spare is how long before its end a token is replaced: the longest call, and a clock that is a little ahead.
	spare = 15 * time.Second
	// retryAfterFailure is how long a token that should be replaced is used on, after the STS could not be asked.
	retryAfterFailure = 5 * time.Second
)

// Cache keeps tokens until shortly before they expire. It is safe for concurrent use.
type Cache struct {
	now    func() time.Time
	flight singleflight.Group

	mu     sync.Mutex
	tokens map[string]cachedToken
}

type cachedToken struct {
	Issued
	replace time.Time // from when on a new one is asked for
}

// NewCache makes an empty cache.
func NewCache(now func() time.Time) *Cache {
	return &Cache{now: now, tokens: map[string]cachedToken{}}
}

// CacheKey names what a token was issued for. A digest stands for the credential: keys are not secrets.
func CacheKey(caller, callee string, user identity.Credential) string {
	digest := sha256.Sum256([]byte(user.Text.Reveal()))
	return strings.Join([]string{caller, callee, string(user.Kind), hex.EncodeToString(digest[:])}, " ")
}

// Get gives the token of key: the one that is kept, where it holds, else one that is fetched, once for all who wait for
// it. Where none can be fetched because the STS is away, the kept one is used to its end.
func (c *Cache) Get(ctx context.Context, key string, holds func(Issued) bool, fetch func(context.Context) (Issued, error)) (Issued, error) {
	kept, found := c.find(key, holds)
	if found && c.now().Before(kept.replace) {
		return kept.Issued, nil
	}
	result := c.flight.DoChan(key, func() (any, error) {
		if kept, found := c.find(key, holds); found && c.now().Before(kept.replace) {
			return kept.Issued, nil // somebody was faster
		}
		return c.fetch(context.WithoutCancel(ctx), key, fetch)
	})
	select {
	case <-ctx.Done():
		return Issued{}, fault.From(ctx.Err())
	case r := <-result:
		switch {
		case r.Err == nil:
			return r.Val.(Issued), nil
		case found && away(r.Err):
			c.keepOn(key, kept)
			return kept.Issued, nil
		}
		return Issued{}, fault.From(r.Err)
	}
}

func (c *Cache) fetch(ctx context.Context, key string, fetch func(context.Context) (Issued, error)) (Issued, error) {
	got := c.now()
	issued, err := fetch(ctx)
	if err != nil {
		return Issued{}, err
	}
	life := issued.Expires.Sub(got)
	replace := issued.Expires.Add(-min(spare, life/2))
	if issued.Subject == "" { // a workload's own: replaced at half its life, so that an STS that is away is survived
		replace = got.Add(life / 2)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	bounded.MakeRoom(c.tokens, maxTokens, func(t cachedToken) bool { return !c.now().Before(t.Expires) })
	c.tokens[key] = cachedToken{issued, replace}
	return issued, nil
}

// find gives the token of key. One that has expired, or does not hold any more, is forgotten.
func (c *Cache) find(key string, holds func(Issued) bool) (kept cachedToken, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept, found = c.tokens[key]
	if found && c.now().Before(kept.Expires) && holds(kept.Issued) {
		return kept, true
	}
	delete(c.tokens, key)
	return kept, false
}

// keepOn has a token used on for a while, before it is tried again to replace it.
func (c *Cache) keepOn(key string, kept cachedToken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[key].Token == kept.Token { // nobody has replaced it meanwhile
		kept.replace = c.now().Add(retryAfterFailure)
		c.tokens[key] = kept
	}
}

// Drop forgets the token of key.
func (c *Cache) Drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tokens, key)
}

// away reports whether a failure says nothing but that the STS cannot be asked now.
func away(err error) bool {
	return slices.Contains([]fault.Code{fault.Unavailable, fault.DeadlineExceeded, fault.Canceled}, fault.CodeOf(err))
}
