package internal

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/issuers"
	"oms/platform/secret"
	"oms/platform/token"
)

// operatorClient is the client_id of tokens that operators have made.
const operatorClient = "operator"

// accessClaims are the claims of an edge access token (RFC 9068 section 2.2).
type accessClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	ClientID string `json:"client_id"`
	Scope    string `json:"scope,omitempty"`
}

// IssueToken implements [sts.Operators].
func (o Operators) IssueToken(ctx context.Context, r sts.IssueTokenRequest) (issued sts.IssuedToken, err error) {
	now := o.Now()
	var key token.SigningKey
	user, err := database.Read(ctx, o.Store, func(tx database.Tx) (sts.User, error) {
		user, err := findUser(tx, r.User)
		if err == nil {
			err = o.mayHaveToken(user, r)
		}
		if err == nil {
			key, err = activeKey(tx, now)
		}
		return user, err
	})
	if err != nil {
		return issued, err
	}
	if r.Scopes == nil {
		r.Scopes = user.Scopes
	}
	signed, err := token.Sign(key, "at+jwt", accessClaims{
		Issuer: r.Issuer, Subject: user.Name, Audience: r.Audience, Expires: now.Add(r.Lifetime).Unix(), IssuedAt: now.Unix(),
		ID: uuid.NewString(), ClientID: operatorClient, Scope: strings.Join(r.Scopes, " "),
	})
	return sts.IssuedToken{Token: secret.Text(signed)}, err
}

// mayHaveToken refuses a token that the user may not have; the zero user is nobody.
func (o Operators) mayHaveToken(user sts.User, r sts.IssueTokenRequest) error {
	switch {
	case user.Name == "":
		return noUser(r.User)
	case user.Disabled:
		return fault.Conflicting("user-disabled", "the user %q is disabled; `app users enable %s` lets it in again", r.User, r.User)
	case !counts(user, o.Demo):
		return fault.Conflicting("demo-disabled", "%q is a demo account, and demo.enabled is false", r.User)
	case r.Lifetime < time.Second || r.Lifetime > issuers.MaxOwnLifetime:
		return fault.New(fault.InvalidArgument, "a token lives from 1s to %v", issuers.MaxOwnLifetime)
	case len(r.Scopes.Intersect(user.Scopes)) < len(r.Scopes):
		return fault.New(fault.InvalidArgument, "%q has only the scopes %q", r.User, strings.Join(user.Scopes, " "))
	}
	return nil
}
