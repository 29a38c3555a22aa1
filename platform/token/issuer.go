package token

import (
	"cmp"
	"errors"
	"slices"
	"strings"
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
	var problems []string
	if i.Name == "" {
		problems = append(problems, "the name of the issuer (iss) is not set")
	}
	if i.Audience == "" {
		problems = append(problems, "the audience (aud) is not set")
	}
	if len(i.Algorithms) == 0 {
		problems = append(problems, "no algorithm is accepted; name at least one, such as ES256")
	}
	for _, algorithm := range i.Algorithms {
		if !algorithm.Known() {
			problems = append(problems, "the algorithm "+quoted(string(algorithm))+" is not known")
		}
	}
	if len(i.Types) == 0 {
		problems = append(problems, "no type (typ) is accepted; name at least one, such as at+jwt")
	}
	for _, typ := range i.Types {
		if typ != "" && !printable(typ, maxType) {
			problems = append(problems, "the type "+quoted(typ)+" is not 1 to 128 printable ASCII characters")
		}
	}
	if i.MaxLifetime <= 0 {
		problems = append(problems, "the longest lifetime must be more than 0, not "+i.MaxLifetime.String())
	}
	if i.Leeway < 0 || i.Leeway > MaxLeeway {
		problems = append(problems, "the leeway must be from 0 to "+MaxLeeway.String()+", not "+i.Leeway.String())
	}
	if slices.Contains(i.Require, "") {
		problems = append(problems, "a required claim has no name")
	}
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func (i Issuer) scopeClaim() string { return cmp.Or(i.ScopeClaim, "scope") }
