package gateway

import (
	"context"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Users says who the credential in a context stands for at one callee. Without a credential it is nobody. Errors are
// *fault.Error: unauthenticated where the credential does not hold.
//
// Where all modules are in one process, the STS is asked; where they are not, the answer comes with the token that the
// trust profile will show to the callee.
type Users interface {
	Authenticate(ctx context.Context, callee string) (sts.Authentication, error)
}

// AuthenticatedBySTS asks the STS for every call.
type AuthenticatedBySTS struct{ sts.Service }

// Authenticate implements [Users].
func (u AuthenticatedBySTS) Authenticate(ctx context.Context, callee string) (sts.Authentication, error) {
	credential := identity.CredentialFrom(ctx)
	switch credential.Kind {
	case identity.NoCredential:
		return sts.Authentication{}, nil
	case identity.EdgeToken:
		return u.Service.Authenticate(ctx, sts.AuthenticateRequest{Token: credential.Text, Callee: callee})
	case identity.Session:
		return u.AuthenticateSession(ctx, sts.AuthenticateSessionRequest{Session: credential.Text, Callee: callee})
	case identity.Internal, identity.Transaction: // which only other processes show
	}
	return sts.Authentication{}, fault.New(fault.Unauthenticated, "No user brings a credential of the kind %q.", credential.Kind)
}

// principal is who a request is from, at one callee.
func (g *gateway) principal(ctx context.Context, callee string) (identity.Principal, error) {
	nobody := identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction}
	user, err := g.Users.Authenticate(identity.With(ctx, nobody), callee)
	if err != nil {
		return nobody, err
	}
	principal := nobody
	principal.Subject, principal.Scopes = user.Subject, identity.NewScopes(user.Scopes...)
	return principal, nil
}
