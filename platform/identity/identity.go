// Package identity says on whose behalf code runs: the [Principal], and how it travels in a context.
//
// A principal is what a trust boundary has already established; the package proves nothing itself.
package identity

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"oms/platform/secret"
)

// Principal is who a call is for and who makes it, as the callee sees it. It is the same in every deployment shape.
type Principal struct {
	Subject     string // the user behind the call, with its issuer (see [External]); empty when no user is behind it
	Caller      string // the workload that makes this call; only it decides who may call
	Scopes      Scopes // what the subject may do, as far as the callee's operation table knows it
	Transaction string // one per request from outside, kept along the whole way; 32 hexadecimal digits
}

// External is the subject of another issuer's user: ISSUER|SUB. It never equals a local user's or client's name,
// because those hold no "|".
func External(issuer, subject string) string { return issuer + "|" + subject }

// Scopes is a set of scopes, sorted and without repetition. Make one with [NewScopes].
type Scopes []string

// NewScopes makes a set of the given scopes; empty ones are left out.
func NewScopes(scopes ...string) Scopes {
	set := slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return s == "" })
	slices.Sort(set)
	return slices.Compact(set)
}

// ParseScopes is the inverse of String.
func ParseScopes(text string) Scopes { return NewScopes(strings.Fields(text)...) }

// String is the scopes as a claim or a parameter has them, with spaces between them (RFC 6749 section 3.3).
func (s Scopes) String() string { return strings.Join(s, " ") }

// Has reports whether scope is in the set.
func (s Scopes) Has(scope string) bool { return slices.Contains(s, scope) }

// Intersect is the set of the scopes in both.
func (s Scopes) Intersect(other Scopes) Scopes {
	var both Scopes
	for _, scope := range s {
		if other.Has(scope) {
			both = append(both, scope)
		}
	}
	return both
}

type contextKey struct{}

// With returns a context that carries p.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// From is the principal that ctx carries, or the zero Principal: nobody, with no rights.
func From(ctx context.Context) Principal {
	p, _ := ctx.Value(contextKey{}).(Principal)
	return p
}

// Kind says what a [Credential] is.
type Kind string

// The kinds of credentials that can stand for a user.
const (
	NoCredential Kind = ""         // no user is behind the call
	EdgeToken    Kind = "edge"     // an access token that the user brought
	Session      Kind = "session"  // the reference of a session of the user interface
	Internal     Kind = "internal" // a token that the STS issued for the workload that holds it
	Transaction  Kind = "txn"      // a transaction token, which is passed on as it is
)

// Credential is the proof of the user behind the code that runs: what a workload trades or passes on when it calls
// another one for that user. It is not part of the [Principal], because what a service may know of its caller is the same
// in every deployment shape, and what proves it is not.
type Credential struct {
	Kind Kind
	Text secret.Text
}

type credentialKey struct{}

// WithCredential returns a context that carries the user's credential.
func WithCredential(ctx context.Context, c Credential) context.Context {
	return context.WithValue(ctx, credentialKey{}, c)
}

// CredentialFrom is the credential that ctx carries, or the zero Credential.
func CredentialFrom(ctx context.Context) Credential {
	c, _ := ctx.Value(credentialKey{}).(Credential)
	return c
}

// NewTransaction makes a transaction id of 128 random bits, the size of a W3C trace id.
func NewTransaction() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process where it cannot deliver
	return hex.EncodeToString(id[:])
}
