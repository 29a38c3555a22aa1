package issuers

import (
	"crypto/sha256"
	"sync"
	"time"

	"oms/platform/bounded"
	"oms/platform/token"
)

// maxRemembered bounds the memory of verified tokens: some 2 KiB each. Whoever has more than so many tokens at a time has
// the others verified again.
const maxRemembered = 10_000

// memory has the tokens that were verified, by the digest of all that they consist of: signature included, so that what
// differs in anything is another token. What it remembers can only stop to hold by time, or because its key is withdrawn:
// both are judged again whenever it is asked. It is safe for concurrent use.
type memory struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]verifiedToken
}

type verifiedToken struct {
	from   issuer
	kid    string
	claims token.Claims
	bearer Bearer
}

func (m *memory) find(digest [sha256.Size]byte) (known verifiedToken, found bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, found = m.tokens[digest]
	return known, found
}

func (m *memory) keep(digest [sha256.Size]byte, t verifiedToken, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	bounded.MakeRoom(m.tokens, maxRemembered, func(t verifiedToken) bool { return now.After(t.claims.Expires) })
	m.tokens[digest] = t
}

// again judges what can have changed since the token was verified.
func (t verifiedToken) again(own func(kid string) (*token.KeySet, error), now time.Time) (Bearer, error) {
	keys, err := t.from.keys(own, t.kid)
	if err != nil {
		return Bearer{}, err
	}
	if err := t.from.Policy.Again(t.claims, keys, now); err != nil {
		return Bearer{}, err
	}
	return t.bearer, nil
}
