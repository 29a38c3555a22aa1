// Package transaction is the trust profile in which the user travels in one transaction token, from the first callee to the
// last (draft-ietf-oauth-transaction-tokens-10).
package transaction

import (
	"context"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// Profile is the profile in which the user travels in one transaction token, from the first callee to the last
// (draft-ietf-oauth-transaction-tokens-10), and every caller proves itself by its certificate alone. A call without a user
// carries no token, and needs no STS.
type Profile struct{ Users }

var _ trust.Profile = (*Profile)(nil)

// New makes the profile.
func New(o trust.Options) *Profile { return &Profile{NewUsers(o)} }

// Name implements [trust.Profile].
func (*Profile) Name() string { return "transaction" }

// Attach puts the user's transaction token into the Txn-Token header, where there is a user.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	_, err := p.AttachUser(ctx, c)
	return err
}

// Refused drops the token, if it was issued to this process; one that was passed on here cannot be replaced.
func (p *Profile) Refused(ctx context.Context, c *rpc.Call, _ *fault.Error) (again bool) {
	p.Drop(ctx, c)
	return onlyOnce(ctx)
}

// Verify judges the token by the STS's keys. The caller is the one that the certificate names.
func (p *Profile) Verify(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	proven, err := p.VerifyUser(ctx, c)
	proven.Caller = c.Caller
	return proven, err
}
