package token

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MaxLeeway is the longest [Issuer.Leeway]: "no more than a few minutes" (RFC 7519 section 4.1.4).
const MaxLeeway = 5 * time.Minute

// Issuer is everything that must hold for a token of one issuer and one kind. It is policy as data: nothing about a
// token is accepted that is not stated here. A value is not changed while it is used; it is then safe for concurrent
// use.
type Issuer struct {
	// Name is what iss must be, byte for byte.
	Name string
	// Audience is what aud must be or contain, byte for byte.
	Audience string
	// Algorithms are accepted. The key must be for the same one: listing several does not let a token choose.
	Algorithms []Algorithm
	// Types are the accepted typ values, compared without case and without "application/" (RFC 7515 section 4.1.9):
	// kinds of tokens are told apart by it (RFC 8725 section 3.11). A token without typ is accepted only if "" is listed.
	Types []string
	// MaxLifetime is the longest time from iat to exp.
	MaxLifetime time.Duration
	// Leeway is how far the clock of the issuer may differ from ours, 0 to MaxLeeway: exp, nbf and iat are met that
	// much later or earlier. 0 is exact.
	Leeway time.Duration
	// ScopeClaim is the name of the claim with the scopes; "" means "scope" (RFC 8693 section 4.2).
	ScopeClaim string
	// Require names claims that must be present and not null, besides iss, sub, aud, exp and iat, which always must:
	// "jti" and "client_id" for access tokens of RFC 9068.
	Require []string
}

// Check says what is missing or wrong in the policy, everything at once. Verify refuses every token while Check fails;
// a program calls it when it reads its configuration.
func (i Issuer) Check() error {
	var problems []error
	missing := func(condition bool, format string, args ...any) {
		if condition {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	missing(i.Name == "", "the name of the issuer (iss) is not set")
	missing(i.Audience == "", "the audience (aud) is not set")
	missing(len(i.Algorithms) == 0, "no algorithm is accepted; name at least one, such as ES256")
	for _, algorithm := range i.Algorithms {
		missing(!algorithm.Known(), "the algorithm %s is not known", quoted(string(algorithm)))
	}
	missing(len(i.Types) == 0, "no type (typ) is accepted; name at least one, such as at+jwt")
	missing(i.MaxLifetime <= 0, "the longest lifetime must be more than 0, not %s", i.MaxLifetime)
	missing(i.Leeway < 0 || i.Leeway > MaxLeeway, "the leeway must be from 0 to %s, not %s", MaxLeeway, i.Leeway)
	missing(slices.Contains(i.Require, ""), "a required claim has no name")
	return errors.Join(problems...)
}

func (i Issuer) scopeClaim() string {
	if i.ScopeClaim == "" {
		return "scope"
	}
	return i.ScopeClaim
}

func (i Issuer) acceptsType(typ string) bool {
	for _, accepted := range i.Types {
		if normalType(accepted) == typ {
			return true
		}
	}
	return false
}
