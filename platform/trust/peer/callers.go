package peer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"oms/platform/rpc"
	"oms/platform/token"
)

// keysHeader carries the public keys of the caller, so that a callee which does not know them can verify the proof beside
// it. The connection says whose they are.
const keysHeader = "Workload-Keys"

// maxKeysHeader is the longest value of it in bytes: eight keys with their frame.
const maxKeysHeader = 8 << 10

// callerKeys are the public keys that other workloads have sent, each its own. It is safe for concurrent use; the zero
// value knows nobody. It holds one set for each workload of the trust domain, so nobody can fill it.
type callerKeys struct {
	mu   sync.RWMutex
	sets map[string]receivedKeys
}

// receivedKeys are the keys of a workload.
type receivedKeys struct {
	at   time.Time // when the proof was made that they came with
	keys []publicKey
}

// publicKey is a public key as its workload sends it.
type publicKey struct {
	key     token.Key
	expires time.Time // zero: it signs
}

// keep replaces what is known of a workload by what it says itself, beside a proof that holds and was made at the given
// time. What arrives late brings nothing back.
func (c *callerKeys) keep(workload string, keys []publicKey, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sets == nil {
		c.sets = map[string]receivedKeys{}
	}
	if !at.Before(c.sets[workload].at) {
		c.sets[workload] = receivedKeys{at, keys}
	}
}

// of are the keys that a workload has sent.
func (c *callerKeys) of(workload string) []publicKey {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.sets[workload].keys
}

// keySet are the keys that count at now; none is nil.
func keySet(sent []publicKey, now time.Time) *token.KeySet {
	var keys []token.Key
	for _, k := range sent {
		if k.expires.IsZero() || now.Before(k.expires) {
			keys = append(keys, k.key)
		}
	}
	set, err := token.NewKeySet(keys...)
	if err != nil { // none counts
		return nil
	}
	return set
}

// sentKeys reads what a caller says about its own keys; none is nil.
func sentKeys(c *rpc.Call) ([]publicKey, error) {
	sent := c.Header.Values(keysHeader)
	switch {
	case len(sent) == 0:
		return nil, nil
	case len(sent) > 1 || len(sent[0]) > maxKeysHeader:
		return nil, rpc.NotProven("%s introduces itself more than once, or at too great length.", c.Caller)
	}
	keys, err := parseKeys(sent[0])
	if err != nil {
		return nil, rpc.NotProven("The keys that %s introduces cannot be read: %v.", c.Caller, err)
	}
	return keys, nil
}

func parseKeys(text string) ([]publicKey, error) {
	jwks, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("they are not base64url")
	}
	set, err := token.ParseKeySet(jwks)
	if err != nil {
		return nil, err
	}
	var document struct {
		Keys []struct {
			Kid string `json:"kid"`
			Exp int64  `json:"exp"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(jwks, &document); err != nil {
		return nil, err
	}
	if len(document.Keys) > maxKeys || len(document.Keys) != set.Len() {
		return nil, fmt.Errorf("they are more than %d, or not all of them are good keys of different names", maxKeys)
	}
	var keys []publicKey
	for _, listed := range document.Keys {
		key, _ := set.Lookup(listed.Kid)
		if key.Thumbprint() != listed.Kid {
			return nil, errors.New("one of them is not named by its thumbprint (RFC 7638)")
		}
		k := publicKey{key: key}
		if listed.Exp != 0 {
			k.expires = time.Unix(listed.Exp, 0)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// replays remembers what must be accepted only once, for as long as it could be accepted again. Each workload has a memory of
// its own, so that none can fill that of another. It is safe for concurrent use.
type replays struct {
	keep time.Duration // longer than anything is acceptable
	most int           // entries in one generation of one workload

	mu        sync.Mutex
	workloads map[string]*generations
}

// generations are what one workload has used. Two of them keep it bounded: what is in the older one is at least as old as
// a generation is long.
type generations struct {
	began    time.Time
	now, old map[[sha256.Size]byte]struct{}
}

func newReplays(keep time.Duration, most int) *replays {
	return &replays{keep: keep, most: most, workloads: map[string]*generations{}}
}

// first reports whether the workload has not used id before, and keeps it. full is told where there is no room: then
// nothing can be accepted from it.
func (r *replays) first(workload, id string, at time.Time) (first, full bool) {
	digest := sha256.Sum256([]byte(id))
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.workloads[workload]
	if g == nil {
		g = &generations{}
		r.workloads[workload] = g
	}
	if g.now == nil || at.Sub(g.began).Abs() >= r.keep {
		g.old, g.now, g.began = g.now, map[[sha256.Size]byte]struct{}{}, at
	}
	_, there := g.now[digest]
	_, before := g.old[digest]
	switch {
	case there || before:
		return false, false
	case len(g.now) >= r.most:
		return false, true
	}
	g.now[digest] = struct{}{}
	return true, false
}
