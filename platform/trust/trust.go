// Package trust has what trust profiles have in common. A profile is how a workload proves itself, and the user it acts
// for, to another one; the packages below have one each.
//
// Mutual TLS lies under everything between processes: the transport has checked the peer's certificate before a profile is
// asked. A profile adds what a certificate cannot say: this call, for this user, with these rights, to this callee. It
// decides nothing: who may do what is in the rows (see package rpc).
package trust

import (
	"context"

	"oms/platform/rpc"
)

// Profile is a trust profile: what calls prove, and what the edge is told before there is a call.
type Profile interface {
	rpc.Profile
	// User says who the credential in ctx stands for at callee, and what that user may do there, as a call from caller to
	// callee will have it. Without a credential it is nobody. Errors are *fault.Error; unauthenticated where the credential
	// does not hold.
	User(ctx context.Context, caller, callee string) (Issued, error)
}
