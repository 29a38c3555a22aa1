package gateway

import (
	"context"

	"oms/platform/identity"
	"oms/platform/trust"
)

// Users says who the credential in a context stands for at one callee, as a call from caller will have it: the trust
// profile. Without a credential it is nobody. Errors are *fault.Error: unauthenticated where the credential does not hold.
type Users interface {
	User(ctx context.Context, caller, callee string) (trust.Issued, error)
}

// principal is who a request is from, at one callee.
func (g *gateway) principal(ctx context.Context, callee string) (identity.Principal, error) {
	user, err := g.authenticated(ctx, callee)
	return identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction, Subject: user.Subject, Scopes: user.Scopes}, err
}

// authenticated is the user behind a request, with the rights at one callee; at the gateway itself, with all.
func (g *gateway) authenticated(ctx context.Context, callee string) (trust.Issued, error) {
	nobody := identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction}
	return g.Users.User(identity.With(ctx, nobody), Name, callee)
}
