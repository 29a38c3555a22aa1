package trust

import (
	"context"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// Transaction is the profile in which the user travels in one transaction token, from the first callee to the last
// (draft-ietf-oauth-transaction-tokens-10), and every caller proves itself by its certificate alone. A call without a user
// carries no token, and needs no STS.
type Transaction struct{ userContext }

var _ Profile = (*Transaction)(nil)

// NewTransaction makes the profile.
func NewTransaction(o Options) *Transaction { return &Transaction{newUserContext(o)} }

// Name implements [Profile].
func (*Transaction) Name() string { return "transaction" }

// Attach puts the user's transaction token into the Txn-Token header, where there is a user.
func (t *Transaction) Attach(ctx context.Context, c *Call) error {
	_, err := t.attach(ctx, c)
	return err
}

// Refused drops the token, if it was issued to this process; one that was passed on here cannot be replaced.
func (t *Transaction) Refused(ctx context.Context, c *Call, _ *fault.Error) (again bool) {
	t.drop(ctx, c)
	return onlyOnce(ctx)
}

// Verify judges the token by the STS's keys. The caller is the one that the certificate names.
func (t *Transaction) Verify(ctx context.Context, c *Call) (rpc.Proven, error) {
	proven, err := t.verify(ctx, c)
	proven.Caller = c.Caller
	return proven, err
}
