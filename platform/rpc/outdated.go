package rpc

import (
	"context"
	"errors"

	"oms/platform/fault"
	"oms/platform/identity"
)

// errOutdated is behind a failure of a call that was made for a user, where what stands for the user came with an earlier call
// and does not hold any more: the STS gives nothing for it, or the callee does not accept it. This process can do nothing
// about that, but the one that made the earlier call can, if the user's own credential is still good. So it goes back the
// way that the credential came, to whoever can renew it, as a refusal of the earlier call's proof.
//
// It stays in the chain of causes of what a service makes of such a failure. It is never told to another process.
var errOutdated = errors.New("what stands for the user does not hold any more")

// passedOn reports whether the user for whom a call is made came with an earlier call.
func passedOn(ctx context.Context, c *Outgoing) bool {
	kind := identity.CredentialFrom(ctx).Kind
	return byProfile(c.To.Row(), c.Caller) && (kind == identity.Internal || kind == identity.Transaction)
}

// outdated reports whether an operation failed because what stands for its user does not hold any more, in a way that lets its
// caller send the same request again: a service that answers unavailable asks for that, and one that answers
// unauthenticated has done nothing. The caller does so once, with a fresh proof, before anybody hears of it.
func outdated(failure *fault.Error) bool {
	return errors.Is(failure, errOutdated) && (failure.Code == fault.Unavailable || failure.Code == fault.Unauthenticated)
}
