// Package direct is the trust profile of a process that hosts everything: nobody has to be convinced of anything. The
// process vouches for its callers, and the STS says who the user is, for every request anew.
package direct

import (
	"context"
	"log/slog"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// Profile is the profile. It proves nothing to another process, and no transport between processes carries what it says.
type Profile struct{ trust.Options }

var _ trust.Profile = (*Profile)(nil)

// New makes the profile.
func New(o trust.Options) *Profile { return &Profile{o} }

// Name implements [trust.Profile]. It is what a call's record says about its proof.
func (*Profile) Name() string { return string(rpc.InProcess) }

// Attach says whom the caller's code runs for.
func (*Profile) Attach(ctx context.Context, c *rpc.Call) error {
	c.Vouched = identity.From(ctx)
	c.Vouched.Caller = c.Caller
	return nil
}

// Refused has nothing to renew.
func (*Profile) Refused(context.Context, *rpc.Call, *fault.Error) bool { return false }

// Verify believes what the process says.
func (*Profile) Verify(_ context.Context, c *rpc.Call) (rpc.Proven, error) {
	return rpc.Proven{Principal: c.Vouched}, nil
}

// User asks the STS.
func (p *Profile) User(ctx context.Context, caller, callee string) (trust.Issued, error) {
	user := identity.CredentialFrom(ctx)
	if user.Kind == identity.NoCredential {
		return trust.Issued{}, nil
	}
	return p.STS(caller).Authenticate(ctx, user, callee)
}

// Conn reaches a host in this process on behalf of caller.
func Conn(host *rpc.Host, caller string) rpc.Conn {
	profile := New(trust.Options{})
	return rpc.NewConn(rpc.ConnOptions{
		Caller: caller, Callee: host.Module(), Profile: profile, Transport: rpc.Local(rpc.NewServer(host, profile, slog.Default())), Log: slog.Default(),
	})
}
