package rpc

import (
	"slices"

	"oms/platform/fault"
	"oms/platform/identity"
)

// Reason says how an authorization ended. The list is closed.
type Reason string

// The reasons.
const (
	Allowed          Reason = "allowed"
	UnknownOperation Reason = "unknown_operation" // the table has no such row
	CallerNotListed  Reason = "caller_not_listed" // this workload may not call it
	NoUser           Reason = "no_user"           // a user is needed and none is behind the call
	ScopeMissing     Reason = "scope_missing"     // the user lacks the row's scope
	NotVerified      Reason = "not_proven"        // a call whose proof does not hold
	Challenged       Reason = "challenged"        // the caller is told what its next proof has to hold; nothing was decided
)

// Authorize decides whether p may perform the operation. It is the only place where that is decided: the edge, the
// in-process call and every remote transport ask here. The fault is nil exactly when the reason is Allowed.
func (r Row) Authorize(p identity.Principal) (Reason, *fault.Error) {
	switch {
	case !slices.Contains(r.Callers, p.Caller):
		return CallerNotListed, fault.New(fault.PermissionDenied, "%s may not call %s.", orNobody(p.Caller), r.Name)
	case r.Who == User && p.Subject == "":
		return NoUser, fault.New(fault.Unauthenticated, "Sign in first: %s is for users.", r.Name)
	case r.Who == User && !r.AnySignedIn && !p.Scopes.Has(r.Scope):
		return ScopeMissing, fault.New(fault.PermissionDenied, "%s needs the scope %s.", r.Name, r.Scope)
	}
	return Allowed, nil
}

func orNobody(caller string) string {
	if caller == "" {
		return "an unnamed caller"
	}
	return caller
}
