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
	Judge(ctx context.Context, callee string) (sts.Judgement, error)
}

// JudgedBySTS asks the STS for every call.
type JudgedBySTS struct{ sts.Service }

// Judge implements [Users].
func (u JudgedBySTS) Judge(ctx context.Context, callee string) (sts.Judgement, error) {
	credential := identity.CredentialFrom(ctx)
	switch credential.Kind {
	case identity.NoCredential:
		return sts.Judgement{}, nil
	case identity.EdgeToken:
		return u.Service.Judge(ctx, sts.JudgeRequest{Token: credential.Text, Callee: callee})
	case identity.Session:
		return u.JudgeSession(ctx, sts.JudgeSessionRequest{Session: credential.Text, Callee: callee})
	case identity.Internal, identity.Transaction: // which only other processes show
	}
	return sts.Judgement{}, fault.New(fault.Unauthenticated, "No user brings a credential of the kind %q.", credential.Kind)
}

// principal is who a request is from, at one callee.
func (g *gateway) principal(ctx context.Context, callee string) (identity.Principal, error) {
	nobody := identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction}
	judged, err := g.Users.Judge(identity.With(ctx, nobody), callee)
	if err != nil {
		return nobody, err
	}
	principal := nobody
	principal.Subject, principal.Scopes = judged.Subject, identity.NewScopes(judged.Scopes...)
	return principal, nil
}
