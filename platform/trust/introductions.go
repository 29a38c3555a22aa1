package trust

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

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

// introducedSet are the keys of a workload, as of one serial number.
type introducedSet struct {
	serial int64
	keys   []introduced
}

// introduce replaces what is known of a workload by what it says itself, unless that is older.
func (i *introductions) introduce(workload string, header http.Header) error {
	sent := header.Values(keysHeader)
	switch {
	case len(sent) == 0:
		return nil
	case len(sent) > 1 || len(sent[0]) > maxIntroduction:
		return NotProven("%s introduces itself more than once, or at too great length.", workload)
	}
	set, err := readIntroduction(sent[0])
	if err != nil {
		return NotProven("The keys that %s introduces cannot be read: %v.", workload, err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.sets == nil {
		i.sets = map[string]introducedSet{}
	}
	if set.serial >= i.sets[workload].serial {
		i.sets[workload] = set
	}
	return nil
}

// known are the keys of a workload that count at now; none is nil.
func (i *introductions) known(workload string, now time.Time) *token.KeySet {
	i.mu.RLock()
	defer i.mu.RUnlock()
	var keys []token.Key
	for _, k := range i.sets[workload].keys {
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

func readIntroduction(text string) (known introducedSet, err error) {
	jwks, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return known, errors.New("they are not base64url")
	}
	set, err := token.ParseKeySet(jwks)
	if err != nil {
		return known, err
	}
	var document struct {
		Keys []struct {
			Kid string `json:"kid"`
			Exp int64  `json:"exp"`
		} `json:"keys"`
		Serial int64 `json:"serial"`
	}
	if err := json.Unmarshal(jwks, &document); err != nil {
		return known, err
	}
	if len(document.Keys) > maxWorkloadKeys || len(document.Keys) != set.Len() {
		return known, fmt.Errorf("they are more than %d, or not all of them are good keys of different names", maxWorkloadKeys)
	}
	known.serial = document.Serial
	for _, listed := range document.Keys {
		key, _ := set.Lookup(listed.Kid)
		if key.Thumbprint() != listed.Kid {
			return known, errors.New("one of them is not named by its thumbprint (RFC 7638)")
		}
		k := introduced{key: key}
		if listed.Exp != 0 {
			k.expires = time.Unix(listed.Exp, 0)
		}
		known.keys = append(known.keys, k)
	}
	return known, nil
}
