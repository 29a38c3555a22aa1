package trust

import (
	"context"
	"errors"
	"net/http"

	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
)

// txnHeader carries a transaction token (draft-ietf-oauth-transaction-tokens-10). It is never logged.
const txnHeader = "Txn-Token"

// userContext says who the user behind a call is, by a transaction token: got by whoever the user came to, once for each
// transaction and first callee, and passed on unmodified from there. It says nothing about who calls.
type userContext struct {
	Options
	tokens *tokenCache // of the transactions that are under way
}

func newUserContext(o Options) userContext { return userContext{o, newTokenCache(o.Now)} }

// User says who the credential in ctx stands for at callee. Without a credential it is nobody.
func (u userContext) User(ctx context.Context, caller, callee string) (Issued, error) {
	user := identity.CredentialFrom(ctx)
	switch user.Kind {
	case identity.NoCredential:
		return Issued{}, nil
	case identity.Transaction:
		return Issued{Token: user.Text}, nil
	case identity.EdgeToken, identity.Session, identity.Internal: // the STS says which of them counts
	}
	transaction := identity.From(ctx).Transaction
	return u.tokens.get(ctx, tokenKey(caller, callee+" "+transaction, user), u.stillHolds, func(ctx context.Context) (Issued, error) {
		return u.STS(caller).Transaction(ctx, user, callee)
	})
}

// attach adds the user's token, where there is a user, and gives it.
func (u userContext) attach(ctx context.Context, c *Call) (secret.Text, error) {
	issued, err := u.User(ctx, c.Caller, c.Callee)
	if err != nil || issued.Token == "" {
		return "", err
	}
	c.Header.Set(txnHeader, issued.Token.Reveal())
	return issued.Token, nil
}

// drop forgets the token of this call.
func (u userContext) drop(ctx context.Context, c *Call) {
	u.tokens.drop(tokenKey(c.Caller, c.Callee+" "+identity.From(ctx).Transaction, identity.CredentialFrom(ctx)))
}

// verify says who the user is: nobody where there is no token.
func (u userContext) verify(ctx context.Context, c *Call) (rpc.Proven, error) {
	raw, err := onlyTransactionToken(c.Header)
	if err != nil || raw == "" {
		return rpc.Proven{}, err
	}
	t, err := ReadTransactionToken(raw.Reveal(), u.Domain, u.keysHaving(ctx), u.Now())
	var verdict *token.Error
	switch {
	case errors.As(err, &verdict):
		return rpc.Proven{}, NotProven("The transaction token that %s passes on does not hold: %s.", c.Caller, verdict.Reason).Because(err)
	case err != nil:
		return rpc.Proven{}, err
	case u.Revoked(t.Subject, t.IssuedAt):
		return rpc.Proven{}, NotProven("The transaction token that %s passes on was revoked.", c.Caller)
	}
	return rpc.Proven{
		Principal: identity.Principal{Subject: t.Subject, Scopes: t.Scopes, Transaction: t.ID},
		User:      identity.Credential{Kind: identity.Transaction, Text: raw},
	}, nil
}

// onlyTransactionToken is the one transaction token of a call, or "": none is a call without a user.
func onlyTransactionToken(header http.Header) (secret.Text, error) {
	switch sent := header.Values(txnHeader); {
	case len(header.Values("Authorization")) > 0:
		return "", NotProven("The call has an Authorization header, which proves nothing here.")
	case len(sent) > 1:
		return "", NotProven("The call has %d transaction tokens; it takes one at most.", len(sent))
	case len(sent) == 1 && sent[0] == "":
		return "", NotProven("The call has an empty transaction token.")
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
