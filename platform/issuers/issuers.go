// Package issuers says which access tokens users may bring from outside: our own and those of the external issuers that the
// configuration lists. It judges a token by what the token itself and its issuer's policy tell; whether its user is
// still welcome is for others to say.
package issuers

import (
	"crypto/sha256"
	"strconv"
	"sync"
	"time"

	"oms/platform/bounded"
	"oms/platform/identity"
	"oms/platform/token"
)

const (
	// MaxOwnLifetime is the longest lifetime of an access token of ours.
	MaxOwnLifetime = 24 * time.Hour
	// leeway is how far another clock may be from ours; more would only keep expired tokens alive.
	leeway = 30 * time.Second
)

// Accepted are the access tokens that users may bring: our own and those of the external issuers. The public door and who
// judges users hold the same one; the door so that a token nobody signed goes no further. Its fields are not changed while it
// is used. The copies of one that [New] made remember together which tokens they have verified.
type Accepted struct {
	Own      token.Issuer
	External []External
	verified *memory
}

// New makes one that remembers what it has verified: within a process a token is parsed and its signature checked once.
func New(own token.Issuer, external ...External) Accepted {
	return Accepted{Own: own, External: external, verified: &memory{tokens: map[[sha256.Size]byte]verifiedToken{}}}
}

// External is another issuer, and the most that its tokens can do here.
type External struct {
	Policy  token.Issuer
	Keys    *token.KeySet
	Ceiling identity.Scopes
}

// Own is the policy for our own edge access tokens (RFC 9068): issued by and for the public URL.
func Own(publicURL string) token.Issuer {
	return token.Issuer{
		Name: publicURL, Audience: publicURL,
		Algorithms: []token.Algorithm{token.ES256}, Types: []string{"at+jwt"},
		MaxLifetime: MaxOwnLifetime, Leeway: leeway, Require: []string{"jti", "client_id"},
	}
}

// Policy completes the policy for another issuer with what is the same for all of them.
func Policy(policy token.Issuer) token.Issuer {
	policy.Leeway = leeway
	return policy
}

// Bearer is what a verified token says.
type Bearer struct {
	Subject string // our users by name, others as ISSUER|SUB
	Local   bool   // the subject is a user of ours
	Scopes  identity.Scopes
	Expires time.Time

	// Issued is when it was issued, for comparison with revocations: to the millisecond in a token of ours, which says so
	// in iat_ms beside the whole seconds of iat, and else as exact as iat is. Of a token that names a second only, it is
	// the beginning of that second: a revocation within it counts.
	Issued time.Time
}

// Verify judges a token by everything that the token itself and the issuer's policy can tell. own gives the keys of our
// own issuer, among them the one of the given kid if there is one; it is asked only for tokens that claim to be ours.
// Errors are *token.Error, or that of own.
func (a Accepted) Verify(raw string, own func(kid string) (*token.KeySet, error), now time.Time) (Bearer, error) {
	digest := sha256.Sum256([]byte(raw))
	if known, found := a.verified.find(digest); found {
		return known.again(own, now)
	}
	peeked, err := token.Peek(raw)
	if err != nil {
		return Bearer{}, err
	}
	from := a.issuer(peeked.Issuer)
	keys, err := from.keys(own, peeked.Header.KeyID)
	if err != nil {
		return Bearer{}, err
	}
	claims, err := from.Policy.VerifyPeeked(peeked, keys, now)
	if err != nil {
		return Bearer{}, err
	}
	verified := verifiedToken{from, peeked.Header.KeyID, claims, from.bearer(claims)}
	a.verified.keep(digest, verified, now)
	return verified.bearer, nil
}

// issuer is the one of that name; our own, for whose policy it does not hold, where nobody else has it.
func (a Accepted) issuer(name string) issuer {
	for _, external := range a.External {
		if external.Policy.Name == name {
			return issuer{External: external}
		}
	}
	return issuer{External: External{Policy: a.Own}, local: true}
}

// issuer is whoever has issued a token, ourselves among them.
type issuer struct {
	External
	local bool
}

func (i issuer) keys(own func(kid string) (*token.KeySet, error), kid string) (*token.KeySet, error) {
	if i.local {
		return own(kid)
	}
	return i.Keys, nil
}

func (i issuer) bearer(c token.Claims) Bearer {
	if i.local {
		return Bearer{Subject: c.Subject, Local: true, Scopes: identity.NewScopes(c.Scopes...), Expires: c.Expires, Issued: issued(c)}
	}
	return Bearer{
		Subject: identity.External(c.Issuer, c.Subject), Scopes: identity.NewScopes(c.Scopes...).Intersect(i.Ceiling), Expires: c.Expires,
		Issued: c.IssuedAt,
	}
}

// issued is when a token of ours was issued: the millisecond within the second of iat that iat_ms names, where it does.
func issued(c token.Claims) time.Time {
	exact, _ := c.Member("iat_ms")
	digits, _ := exact.Literal()
	if ms, err := strconv.ParseInt(digits, 10, 64); err == nil && time.UnixMilli(ms).Unix() == c.IssuedAt.Unix() {
		return time.UnixMilli(ms).UTC()
	}
	return c.IssuedAt
}

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
