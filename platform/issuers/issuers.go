// Package issuers says which access tokens users may bring from outside: our own and those of the external issuers that the
// configuration lists. It judges a token by what the token itself and its issuer's policy tell; whether its user is
// still welcome is for others to say.
package issuers

import (
	"time"

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
// judges users hold the same one; the door so that a token nobody signed goes no further. It is not changed while used.
type Accepted struct {
	Own      token.Issuer
	External []External
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
}

// Verify judges a token by everything that the token itself and the issuer's policy can tell. own gives the keys of our
// own issuer, among them the one of the given kid if there is one; it is asked only for tokens that claim to be ours.
// Errors are *token.Error, or that of own.
func (a Accepted) Verify(raw string, own func(kid string) (*token.KeySet, error), now time.Time) (Bearer, error) {
	header, issuer, err := token.Peek(raw)
	if err != nil {
		return Bearer{}, err
	}
	for _, external := range a.External {
		if external.Policy.Name == issuer {
			return external.verify(raw, now)
		}
	}
	keys, err := own(header.KeyID)
	if err != nil {
		return Bearer{}, err
	}
	claims, err := a.Own.Verify(raw, keys, now)
	if err != nil {
		return Bearer{}, err
	}
	return Bearer{Subject: claims.Subject, Local: true, Scopes: identity.NewScopes(claims.Scopes...), Expires: claims.Expires}, nil
}

func (e External) verify(raw string, now time.Time) (Bearer, error) {
	claims, err := e.Policy.Verify(raw, e.Keys, now)
	if err != nil {
		return Bearer{}, err
	}
	return Bearer{
		Subject: identity.External(claims.Issuer, claims.Subject),
		Scopes:  identity.NewScopes(claims.Scopes...).Intersect(e.Ceiling),
		Expires: claims.Expires,
	}, nil
}
