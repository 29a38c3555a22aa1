package internal

import (
	"context"
	"errors"
	"time"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/token"
	"oms/platform/trust/transaction"
)

// exchangeTransaction issues a transaction token (draft-ietf-oauth-transaction-tokens-10): for what a user brought, or to
// replace an earlier one.
func (s *Service) exchangeTransaction(ctx context.Context, caller, callee string, r sts.ExchangeRequest, state *state) (sts.Exchanged, error) {
	if r.SubjectTokenType == sts.TransactionToken {
		return s.replaceTransaction(ctx, caller, callee, r, state)
	}
	id := identity.From(ctx).Transaction
	if id == "" {
		return sts.Exchanged{}, fault.New(fault.InvalidArgument, "A transaction token is of the transaction that the call is in, and this call is in none.")
	}
	if r.SubjectTokenType == sts.InternalToken {
		return sts.Exchanged{}, fault.New(fault.InvalidArgument, "A transaction token is issued for what a user brought, or for an earlier one.")
	}
	now := s.Now() // as in exchangeInternal
	user, err := s.subject(ctx, caller, r, state)
	if err != nil {
		return sts.Exchanged{}, err
	}
	return s.signTransaction(state, user, transaction.Token{
		ID: id, Subject: user.name, Scopes: user.scopes.Intersect(s.Callees[callee].Scopes), Requesters: []string{caller}, Callee: callee,
		Brought: brought[r.SubjectTokenType], IssuedAt: now, Expires: now.Add(min(s.TransactionTokenTTL, user.ends.Sub(now))),
	})
}

// brought says in rctx.authn what kind of credential the user came with, of those that users bring.
var brought = map[string]string{sts.AccessToken: "access_token", sts.SessionToken: "session"}

// replaceTransaction issues a narrower token of the same transaction: txn, sub and aud stay, the scope gets no wider, the
// life no longer, and the chain of workloads is kept.
func (s *Service) replaceTransaction(ctx context.Context, caller, callee string, r sts.ExchangeRequest, state *state) (sts.Exchanged, error) {
	now := s.Now() // as in exchangeInternal
	t, err := transaction.Read(r.SubjectToken.Reveal(), s.Domain, state.keys, now)
	_, verdict := errors.AsType[*token.Error](err)
	switch {
	case verdict:
		return sts.Exchanged{}, fault.New(fault.Unauthenticated, "The transaction token does not hold.").Because(err)
	case err != nil:
		return sts.Exchanged{}, err
	}
	user, err := s.stillGood(ctx, subject{name: t.Subject, scopes: t.Scopes, ends: t.Expires}, t.IssuedAt)
	if err != nil {
		return sts.Exchanged{}, err
	}
	next, ok := t.Replace(caller, user.scopes.Intersect(s.Callees[callee].Scopes), now)
	if !ok {
		return sts.Exchanged{}, fault.New(fault.PermissionDenied, "The transaction token was replaced too often already.")
	}
	return s.signTransaction(state, user, next)
}

func (s *Service) signTransaction(state *state, user subject, t transaction.Token) (sts.Exchanged, error) {
	if t.Expires.Sub(t.IssuedAt) < time.Second {
		return sts.Exchanged{}, refused()
	}
	raw, err := t.Sign(s.Domain, state.signing)
	return exchanged(raw, sts.TransactionToken, user, t.Scopes, t.IssuedAt, t.Expires), err
}
