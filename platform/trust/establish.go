package trust

import (
	"context"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// The two ways in which a call is proven without a profile; see [rpc.Decision.Proof].
const (
	ByCertificate = "certificate"
	ByNothing     = "nothing"
)

// ByProfile reports whether caller proves a call of the row by the profile: where the certificate is not enough, and
// there is one.
func ByProfile(row rpc.Row, caller string) bool {
	return row.Proof == rpc.ByProfile && caller != rpc.Stranger
}

// Establish says what the callee may take as proven about a call. c.Caller is what the connection shows; transaction has
// come beside the proof, since it says nothing about anybody's rights. A refusal leaves a Decision at the host, a challenge
// none: nothing has been decided yet.
func Establish(ctx context.Context, host *rpc.Host, profile Profile, c *Call, transaction string) (rpc.Proven, error) {
	row, _ := host.Row(c.Operation) // an unknown operation needs every proof there is
	proven := rpc.Proven{By: ByCertificate}
	switch {
	case c.Caller == rpc.Stranger:
		proven.Caller, proven.By = c.Caller, ByNothing
	case !ByProfile(row, c.Caller):
		proven.Caller = c.Caller
	default:
		var err error
		if proven, err = verify(ctx, profile, c); err != nil {
			if !Challenge(fault.From(err)) {
				host.NotProven(ctx, c.Operation, c.Caller, transaction, profile.Name())
			}
			return rpc.Proven{}, err
		}
		proven.By = profile.Name()
		if proven.Transaction != "" && proven.Transaction != transaction { // the record of a call cannot be moved to another one
			host.NotProven(ctx, c.Operation, c.Caller, transaction, profile.Name())
			return rpc.Proven{}, NotProven("the proof is of another transaction than the call")
		}
	}
	proven.Transaction = transaction
	return proven, nil
}

func verify(ctx context.Context, profile Profile, c *Call) (rpc.Proven, error) {
	proven, err := profile.Verify(ctx, c)
	if err != nil {
		return rpc.Proven{}, fault.From(err)
	}
	if proven.Caller != c.Caller {
		return rpc.Proven{}, NotProven("the proof was issued to %s, and the certificate is that of %s", named(proven.Caller), named(c.Caller))
	}
	return proven, nil
}

func named(workload string) string {
	if workload == "" {
		return "nobody"
	}
	return workload
}

// Challenge reports whether a refusal tells the caller what its next proof has to hold, as at the first call after the callee
// was started.
func Challenge(refusal *fault.Error) bool {
	return Refused(refusal) && len(refusal.Fields) > 0
}

// Refused reports whether failure is a callee's refusal of a proof, and not one by the operation.
func Refused(failure *fault.Error) bool {
	return failure != nil && failure.Code == fault.Unauthenticated && failure.Type == ProofRefused
}

// NotAccepted is what a caller makes of a refusal that a fresh proof does not help against: its own caller has done
// nothing wrong, and must not be told to sign in again.
func NotAccepted(c *Call, refusal *fault.Error) *fault.Error {
	return fault.Retryable(2*time.Second, "%s does not accept the proof of %s: %s", c.Callee, named(c.Caller), refusal.Detail)
}
