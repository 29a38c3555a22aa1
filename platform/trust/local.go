package trust

import (
	"context"
	"net/http"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// Local reaches host in this process, in a deployment that is split elsewhere, on behalf of caller. It is [rpc.Local],
// except that the caller proves itself by the profile as it would to another process: what a user may do must not depend
// on which modules happen to share a process. No certificate lies under it; the process vouches for caller.
func Local(host *rpc.Host, caller string, profile Profile) rpc.Conn {
	return local{host, caller, profile}
}

type local struct {
	host    *rpc.Host
	caller  string
	profile Profile
}

func (l local) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	ctx, cancel := context.WithTimeout(ctx, op.Row().Timeout)
	defer cancel()
	err := l.perform(ctx, op, request, response)
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended).Public()
	}
	return err
}

func (l local) perform(ctx context.Context, op rpc.Operation, request, response any) error {
	proven, err := l.prove(ctx, op.Row())
	if err != nil {
		return err
	}
	grant, err := l.host.Authorize(ctx, op.Row().Name, proven)
	if err != nil {
		return err
	}
	return grant.Call(ctx, request, response)
}

// prove plays both sides: what Attach adds to a header is all that Verify sees. Nothing travels, so there is no body to
// have a digest of: it is zero for both.
func (l local) prove(ctx context.Context, row rpc.Row) (rpc.Proven, error) {
	transaction := identity.From(ctx).Transaction
	for renewed := false; ; renewed = true {
		c := &Call{Operation: row.Name, Caller: l.caller, Callee: l.host.Module(), Header: http.Header{}}
		if ByProfile(row, l.caller) {
			if err := l.profile.Attach(ctx, c); err != nil {
				return rpc.Proven{}, fault.From(err).Public()
			}
		}
		proven, err := Establish(arrived{ctx}, l.host, l.profile, c, transaction)
		if err == nil {
			return proven, nil
		}
		refusal := fault.From(err).Public()
		if !Refused(refusal) {
			return rpc.Proven{}, refusal
		}
		if renewed || !l.profile.Refused(ctx, c, refusal) {
			return rpc.Proven{}, NotAccepted(c, refusal)
		}
	}
}

// arrived is the caller's context as the callee has it: the deadline and nothing that could stand in for a proof.
type arrived struct{ context.Context }

func (arrived) Value(any) any { return nil }
