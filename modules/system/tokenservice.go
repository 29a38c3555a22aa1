package system

import (
	"context"
	"time"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/trust"
)

// TokenService is the STS, as one workload reaches it, for that workload's profile.
type TokenService struct {
	STS    sts.Service
	Domain string // the trust domain
}

var _ trust.TokenService = TokenService{}

// subjectTokenTypes say what each kind of credential is in an exchange.
var subjectTokenTypes = map[identity.Kind]string{
	identity.EdgeToken: sts.AccessToken, identity.Session: sts.SessionToken, identity.Internal: sts.InternalToken, identity.Transaction: sts.TransactionToken,
}

// kinds say what an issued token is to whoever holds it.
var kinds = map[string]identity.Kind{sts.InternalToken: identity.Internal, sts.TransactionToken: identity.Transaction}

// Authenticate implements [trust.TokenService].
func (t TokenService) Authenticate(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	var found sts.Authentication
	var err error
	switch user.Kind {
	case identity.EdgeToken:
		found, err = t.STS.Authenticate(ctx, sts.AuthenticateRequest{Token: user.Text, Callee: callee})
	case identity.Session:
		found, err = t.STS.AuthenticateSession(ctx, sts.AuthenticateSessionRequest{Session: user.Text, Callee: callee})
	default: // which only other processes show
		err = fault.New(fault.Unauthenticated, "No user brings a credential of the kind %q.", user.Kind)
	}
	return trust.Issued{Subject: found.Subject, FullName: found.FullName, Scopes: identity.NewScopes(found.Scopes...)}, err
}

// Exchange implements [trust.TokenService].
func (t TokenService) Exchange(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	return t.exchange(ctx, user, callee, sts.InternalToken)
}

// Transaction implements [trust.TokenService].
func (t TokenService) Transaction(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	return t.exchange(ctx, user, callee, sts.TransactionToken)
}

func (t TokenService) exchange(ctx context.Context, user identity.Credential, callee, requested string) (trust.Issued, error) {
	asked := time.Now()
	answer, err := t.STS.Exchange(ctx, sts.ExchangeRequest{
		SubjectToken: user.Text, SubjectTokenType: subjectTokenTypes[user.Kind], RequestedTokenType: requested, Audience: pki.ID(t.Domain, callee),
	})
	return trust.Issued{
		Token: answer.AccessToken, Kind: kinds[requested], IssuedAt: answer.IssuedAt, Expires: asked.Add(time.Duration(answer.ExpiresIn) * time.Second),
		Subject: answer.Subject, FullName: answer.FullName, Scopes: identity.ParseScopes(answer.Scope),
	}, err
}

// WorkloadToken implements [trust.TokenService].
func (t TokenService) WorkloadToken(ctx context.Context, callee string) (trust.Issued, error) {
	asked := time.Now()
	answer, err := t.STS.WorkloadToken(ctx, sts.WorkloadTokenRequest{Audience: pki.ID(t.Domain, callee)})
	return trust.Issued{
		Token: answer.AccessToken, IssuedAt: answer.IssuedAt, Expires: asked.Add(time.Duration(answer.ExpiresIn) * time.Second),
	}, err
}
