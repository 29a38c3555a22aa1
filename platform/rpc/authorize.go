package rpc

import (
	"slices"
	"time"

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
	NotProven        Reason = "not_proven"        // a call from another process whose proof does not hold
)

// Decision is the record of one authorization: who, for whom, what, and how it ended. It holds no credential.
type Decision struct {
	At          time.Time
	Module      string // where it was decided
	Operation   string
	Caller      string
	Subject     string
	Scopes      identity.Scopes // after narrowing to what the module's table knows
	Transaction string
	Reason      Reason
	Proof       string // how caller and subject were proven: "in process", "certificate", "nothing" (strangers), or the name of the trust profile
}

// InProcess is the [Decision.Proof] of calls within a process.
const InProcess = "in process"

// Proven is what a transport has established about a call before anybody decides on it.
type Proven struct {
	identity.Principal
	User identity.Credential // what stands for the user on the callee's own calls; the service does not see it
	By   string              // how; see [Decision.Proof]
}

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
