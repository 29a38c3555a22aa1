package peer

import (
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

// maxIntroduction is the longest introduction in bytes: eight keys with their frame.
const maxIntroduction = 8 << 10

// introductions are the public keys that other workloads have introduced, each its own. It is safe for concurrent use;
// the zero value knows nobody. It holds one set for each workload of the trust domain, so nobody can fill it.
type introductions struct {
	mu   sync.RWMutex
	sets map[string]introducedSet
}

// introducedSet are the keys of a workload.
type introducedSet struct {
	at   time.Time // when the proof was made that they came with
	keys []introduced
}

// keep replaces what is known of a workload by what it says itself, beside a proof that holds and was made at the given
// time. What arrives late brings nothing back.
func (i *introductions) keep(workload string, keys []introduced, at time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sets == nil {
		i.sets = map[string]introducedSet{}
	}
	if !at.Before(i.sets[workload].at) {
		i.sets[workload] = introducedSet{at, keys}
	}
}

// known are the keys that a workload has introduced.
func (i *introductions) known(workload string) []introduced {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.sets[workload].keys
}

// keySet are the keys that count at now; none is nil.
func keySet(introduced []introduced, now time.Time) *token.KeySet {
	var keys []token.Key
	for _, k := range introduced {
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

func encodeIntroduction(jwks string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(jwks))
}

// introductionOf reads what a caller says about its own keys; none is nil.
func introductionOf(c *rpc.Call) ([]introduced, error) {
	sent := c.Header.Values(keysHeader)
	switch {
	case len(sent) == 0:
		return nil, nil
	case len(sent) > 1 || len(sent[0]) > maxIntroduction:
		return nil, rpc.NotProven("%s introduces itself more than once, or at too great length.", c.Caller)
	}
	keys, err := readIntroduction(sent[0])
	if err != nil {
		return nil, rpc.NotProven("The keys that %s introduces cannot be read: %v.", c.Caller, err)
	}
	return keys, nil
}

func readIntroduction(text string) ([]introduced, error) {
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
	var keys []introduced
	for _, listed := range document.Keys {
		key, _ := set.Lookup(listed.Kid)
		if key.Thumbprint() != listed.Kid {
			return nil, errors.New("one of them is not named by its thumbprint (RFC 7638)")
		}
		k := introduced{key: key}
		if listed.Exp != 0 {
			k.expires = time.Unix(listed.Exp, 0)
		}
		keys = append(keys, k)
	}
	return keys, nil
}
