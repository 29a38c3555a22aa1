package transaction

import (
	"context"
	"errors"
	"net/http"

	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
)

// Header carries a transaction token (draft-ietf-oauth-transaction-tokens-10). It is never logged.
const Header = "Txn-Token"

// Users say who the user behind a call is, by a transaction token: got by whoever the user came to, once for each
// transaction and first callee, and passed on unmodified from there. They say nothing about who calls.
type Users struct {
	trust.Options
	tokens *trust.Cache // of the transactions that are under way
}

// NewUsers makes them.
func NewUsers(o trust.Options) Users { return Users{o, trust.NewCache(o.Now)} }

// User says who the credential in ctx stands for at callee. Without a credential it is nobody.
func (u Users) User(ctx context.Context, caller, callee string) (trust.Issued, error) {
	user := identity.CredentialFrom(ctx)
	switch user.Kind {
	case identity.NoCredential:
		return trust.Issued{}, nil
	case identity.Transaction:
		return trust.Issued{Token: user.Text}, nil
	case identity.EdgeToken, identity.Session, identity.Internal: // the STS says which of them counts
	}
	transaction := identity.From(ctx).Transaction
	return u.tokens.Get(ctx, trust.CacheKey(caller, callee+" "+transaction, user), u.StillHolds, func(ctx context.Context) (trust.Issued, error) {
		return u.STS(caller).Transaction(ctx, user, callee)
	})
}

// AttachUser adds the user's token, where there is a user, and gives it.
func (u Users) AttachUser(ctx context.Context, c *rpc.Call) (secret.Text, error) {
	issued, err := u.User(ctx, c.Caller, c.Callee)
	if err != nil || issued.Token == "" {
		return "", err
	}
	c.SetHeader(Header, issued.Token.Reveal())
	return issued.Token, nil
}

// Drop forgets the token of this call.
func (u Users) Drop(ctx context.Context, c *rpc.Call) {
	u.tokens.Drop(trust.CacheKey(c.Caller, c.Callee+" "+identity.From(ctx).Transaction, identity.CredentialFrom(ctx)))
}

// VerifyUser says who the user is: nobody where there is no token.
func (u Users) VerifyUser(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	raw, err := onlyTransactionToken(c.Header)
	if err != nil || raw == "" {
		return rpc.Proven{}, err
	}
	t, err := Read(raw.Reveal(), u.Domain, u.KeysHaving(ctx), u.Now())
	verdict, judged := errors.AsType[*token.Error](err)
	switch {
	case judged:
		return rpc.Proven{}, rpc.NotProven("The transaction token that %s passes on does not hold: %s.", c.Caller, verdict.Reason).Because(err)
	case err != nil:
		return rpc.Proven{}, err
	case u.Revoked(t.Subject, t.IssuedAt):
		return rpc.Proven{}, rpc.NotProven("The transaction token that %s passes on was revoked.", c.Caller)
	}
	return rpc.Proven{
		Principal: identity.Principal{Subject: t.Subject, Scopes: t.Scopes, Transaction: t.ID},
		User:      identity.Credential{Kind: identity.Transaction, Text: raw},
	}, nil
}

// onlyTransactionToken is the one transaction token of a call, or "": none is a call without a user.
func onlyTransactionToken(header http.Header) (secret.Text, error) {
	switch sent := header.Values(Header); {
	case len(header.Values("Authorization")) > 0:
		return "", rpc.NotProven("The call has an Authorization header, which proves nothing here.")
	case len(sent) > 1:
		return "", rpc.NotProven("The call has %d transaction tokens; it takes one at most.", len(sent))
	case len(sent) == 1 && sent[0] == "":
		return "", rpc.NotProven("The call has an empty transaction token.")
	case len(sent) == 1:
		return secret.Text(sent[0]), nil
	}
	return "", nil
}

// onlyOnce reports whether it makes sense to try again with a fresh token: where this process had it issued.
func onlyOnce(ctx context.Context) bool {
	switch identity.CredentialFrom(ctx).Kind {
	case identity.EdgeToken, identity.Session:
		return true
	default:
		return false
	}
}
