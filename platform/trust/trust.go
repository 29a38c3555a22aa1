// Package trust has what trust profiles have in common. A profile is how a workload proves itself, and the user it acts
// for, to another one; the packages below have one each.
//
// Mutual TLS lies under everything between processes: the transport has checked the peer's certificate before a profile is
// asked. A profile adds what a certificate cannot say: this call, for this user, with these rights, to this callee. It
// decides nothing: who may do what is in the rows (see package rpc).
package trust

import (
	"context"
	"time"

	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
)

// Profile is a trust profile: what calls prove, and what the edge is told before there is a call.
type Profile interface {
	rpc.Profile
	// User says who the credential in ctx stands for at callee, and what that user may do there, as a call from caller to
	// callee will have it. Without a credential it is nobody. Errors are *fault.Error; unauthenticated where the credential
	// does not hold.
	User(ctx context.Context, caller, callee string) (Issued, error)
}

// Issued is a token that the STS has issued to a workload, for one callee.
type Issued struct {
	Token    secret.Text
	Kind     identity.Kind // what the token is where it stands for a user
	IssuedAt time.Time     // by the clock of the STS
	Expires  time.Time     // by the clock of this process

	// Who stands behind it at the callee; all empty in a workload's own token.
	Subject  string
	FullName string
	Scopes   identity.Scopes
	Grant    string // on the strength of what it was issued, see [Basis]
}

// TokenService is the STS as one workload reaches it. Errors are *fault.Error; unavailable where it is away.
type TokenService interface {
	// Authenticate says who a user's credential stands for, with the rights at callee. It gives no token.
	Authenticate(ctx context.Context, user identity.Credential, callee string) (Issued, error)
	// Exchange trades a user's credential for a token that the workload may show to callee (RFC 8693).
	Exchange(ctx context.Context, user identity.Credential, callee string) (Issued, error)
	// WorkloadToken gives the workload a token of its own for callee.
	WorkloadToken(ctx context.Context, callee string) (Issued, error)
	// Transaction has a transaction token issued for what a user has brought: of the transaction that ctx is in, with the
	// scopes that callee knows.
	Transaction(ctx context.Context, user identity.Credential, callee string) (Issued, error)
}

// Options are what profiles need.
type Options struct {
	Domain      string
	Now         func() time.Time
	Keys        *Keys
	Revocations *Revocations
	STS         func(workload string) TokenService

	// Workloads are the modules of this process, and KeyFile is where one of them keeps its own keys: for the profile
	// that has any.
	Workloads []string
	KeyFile   func(workload string) string
}

// StillHolds reports whether a token has not been revoked since it was issued. Where that cannot be known, a user's does not
// hold, and the STS is asked.
func (o Options) StillHolds(t Issued) bool {
	return t.Subject == "" || o.Revocations.TooOld() == nil && !o.Revocations.Revoked(Basis{t.Subject, t.Grant, t.IssuedAt})
}

// KeysHaving gives the STS's keys, for the verification of one token.
func (o Options) KeysHaving(ctx context.Context) func(kid string) (*token.KeySet, error) {
	return func(kid string) (*token.KeySet, error) { return o.Keys.Having(ctx, kid) }
}

// Issuer is the workload in whose name the STS signs what it issues to others.
const Issuer = "sts"

// Leeway is how far the clocks of two processes may differ; more would only keep expired tokens alive.
const Leeway = 30 * time.Second
