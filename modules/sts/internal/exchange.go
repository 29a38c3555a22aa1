package internal

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust/exchange"
	"oms/platform/trust/transaction"
)

// gateway is the workload to which users bring what they have.
const gateway = "gateway"

// brought says in rctx.authn what kind of credential the user came with, of those that users bring.
var brought = map[string]string{sts.AccessToken: "access_token", sts.SessionToken: "session"}

// hop is from a workload that wants a token to the callee that the token is for, which it may call.
type hop struct {
	caller, callee string
	state          *state
	now            time.Time // from before anything is judged: what is withdrawn meanwhile is withdrawn from the token too
}

// issued is of when a token for the user is. What was good after a revocation was read stays good, however close the two are,
// and whatever a clock says that was set back in between.
func (h hop) issued(user subject) time.Time { return later(h.now, user.after) }

// hop leads to the module that the audience is, if the caller is listed there. The list is that of the callee's own rows.
func (s *Service) hop(ctx context.Context, audience string) (h hop, err error) {
	h.caller, h.now = identity.From(ctx).Caller, s.Now()
	callee, ours := pki.Workload(s.Domain, audience)
	if known, exists := s.Callees[callee]; !ours || !exists || !slices.Contains(known.Callers, h.caller) {
		return h, fault.New(fault.PermissionDenied, "%s may not call %.100q (invalid_target): no operation there lists it.", h.caller, audience)
	}
	h.callee = callee
	h.state, err = s.state(ctx)
	return h, err
}

// WorkloadToken says no more than who the calling workload is.
func (s *Service) WorkloadToken(ctx context.Context, r sts.WorkloadTokenRequest) (sts.WorkloadToken, error) {
	h, err := s.hop(ctx, r.Audience)
	if err != nil {
		return sts.WorkloadToken{}, err
	}
	t := exchange.Token{ID: uuid.NewString(), Workload: h.caller, Callee: h.callee, IssuedAt: h.now, Expires: h.now.Add(s.WorkloadTokenTTL)}
	raw, err := t.Sign(s.Domain, h.state.signing)
	return sts.WorkloadToken{AccessToken: secret.Text(raw), IssuedAt: h.now, ExpiresIn: int64(s.WorkloadTokenTTL / time.Second)}, err
}

// Exchange trades a credential for a token of one callee (RFC 8693), or for a transaction token.
func (s *Service) Exchange(ctx context.Context, r sts.ExchangeRequest) (sts.Exchanged, error) {
	answer, err := s.exchange(ctx, r)
	caller, code := identity.From(ctx).Caller, fault.CodeOf(err)
	if code == fault.PermissionDenied || code == fault.Unauthenticated && caller != gateway { // users' sessions end; this is no user
		s.Log.WarnContext(ctx, "an exchange was refused", "caller", caller, "trace_id", identity.From(ctx).Transaction, "cause", err.Error())
	}
	return answer, err
}

func (s *Service) exchange(ctx context.Context, r sts.ExchangeRequest) (sts.Exchanged, error) {
	h, err := s.hop(ctx, r.Audience)
	if err != nil {
		return sts.Exchanged{}, err
	}
	switch r.RequestedTokenType {
	case "", sts.InternalToken:
		r.RequestedTokenType = sts.InternalToken
		return s.exchangeInternal(ctx, h, r)
	case sts.TransactionToken:
		if r.SubjectTokenType == sts.TransactionToken {
			return s.replaceTransaction(ctx, h, r)
		}
		return s.exchangeTransaction(ctx, h, r)
	}
	return sts.Exchanged{}, fault.New(fault.InvalidArgument, "There is no requested_token_type %.100q; it is %s or %s.", r.RequestedTokenType, sts.InternalToken, sts.TransactionToken)
}

func (s *Service) exchangeInternal(ctx context.Context, h hop, r sts.ExchangeRequest) (sts.Exchanged, error) {
	user, err := s.subject(ctx, h, r, s.InternalTokenTTL)
	if err != nil {
		return sts.Exchanged{}, err
	}
	return s.exchanged(h, r, user, exchange.Token{
		ID: uuid.NewString(), Subject: user.name, Workload: h.caller, Callee: h.callee, Act: user.act,
		Scopes: user.scopes, Grant: user.grant, IssuedAt: h.issued(user), Expires: user.ends,
	})
}

// exchangeTransaction issues a transaction token (draft-ietf-oauth-transaction-tokens-10) for what a user brought.
func (s *Service) exchangeTransaction(ctx context.Context, h hop, r sts.ExchangeRequest) (sts.Exchanged, error) {
	id := identity.From(ctx).Transaction
	switch {
	case id == "":
		return sts.Exchanged{}, fault.New(fault.InvalidArgument, "A transaction token is of the transaction that the call is in, and this call is in none.")
	case r.SubjectTokenType == sts.InternalToken:
		return sts.Exchanged{}, fault.New(fault.InvalidArgument, "A transaction token is issued for what a user brought, or for an earlier one.")
	}
	user, err := s.subject(ctx, h, r, s.TransactionTokenTTL)
	if err != nil {
		return sts.Exchanged{}, err
	}
	return s.exchanged(h, r, user, transaction.Token{
		ID: id, Subject: user.name, Scopes: user.scopes, Requesters: []string{h.caller}, Callee: h.callee,
		Brought: brought[r.SubjectTokenType], Grant: user.grant, IssuedAt: h.issued(user), Expires: user.ends,
	})
}

// replaceTransaction issues a narrower token of the same transaction: txn, sub and aud stay, the scope gets no wider, the
// life no longer, and the chain of workloads is kept.
func (s *Service) replaceTransaction(ctx context.Context, h hop, r sts.ExchangeRequest) (sts.Exchanged, error) {
	t, err := transaction.Read(r.SubjectToken.Reveal(), s.Domain, h.state.keys, h.now)
	_, verdict := errors.AsType[*token.Error](err)
	switch {
	case verdict:
		return sts.Exchanged{}, fault.New(fault.Unauthenticated, "The transaction token does not hold.").Because(err)
	case err != nil:
		return sts.Exchanged{}, err
	}
	user, err := s.stillGood(ctx, subject{name: t.Subject, local: ours(t.Subject), scopes: t.Scopes.Intersect(s.Callees[h.callee].Scopes), grant: t.Grant, ends: t.Expires}, t.IssuedAt)
	if err != nil {
		return sts.Exchanged{}, err
	}
	next, ok := t.Replace(h.caller, user.scopes, h.issued(user))
	if !ok {
		return sts.Exchanged{}, fault.New(fault.PermissionDenied, "The transaction token was replaced too often already.")
	}
	return s.exchanged(h, r, user, next)
}

// exchanged answers with a token of either kind for a user, unless it would be over at once.
func (s *Service) exchanged(h hop, r sts.ExchangeRequest, user subject, t interface {
	Sign(domain string, key token.SigningKey) (string, error)
}) (sts.Exchanged, error) {
	lifetime := user.ends.Sub(h.now)
	if lifetime < time.Second {
		return sts.Exchanged{}, refused()
	}
	raw, err := t.Sign(s.Domain, h.state.signing)
	return sts.Exchanged{
		AccessToken: secret.Text(raw), IssuedTokenType: r.RequestedTokenType, TokenType: "N_A", IssuedAt: h.issued(user),
		ExpiresIn: int64(lifetime / time.Second), Scope: user.scopes.String(), Subject: user.name, FullName: user.fullName, Grant: user.grant,
	}, err
}

// subject judges what the caller brings, and narrows it to what the callee knows and to a lifetime. Credentials from
// outside are the gateway's alone to bring; a token of ours is good for the one workload that it was issued to.
func (s *Service) subject(ctx context.Context, h hop, r sts.ExchangeRequest, lifetime time.Duration) (user subject, err error) {
	_, users := brought[r.SubjectTokenType]
	if users && h.caller != gateway {
		return user, fault.New(fault.PermissionDenied, "Only the gateway exchanges what users bring, not %s.", h.caller)
	}
	switch r.SubjectTokenType {
	case sts.AccessToken:
		user, err = s.bearer(ctx, r.SubjectToken)
	case sts.SessionToken:
		user, err = s.session(ctx, r.SubjectToken)
	case sts.InternalToken:
		user, err = s.onward(ctx, h, r)
	default:
		err = fault.New(fault.InvalidArgument, "There is no subject_token_type %.100q; it is one of %s, %s, %s.",
			r.SubjectTokenType, sts.AccessToken, sts.SessionToken, sts.InternalToken)
	}
	if err != nil {
		return subject{}, err
	}
	if users {
		user.act = &exchange.Actor{Subject: pki.ID(s.Domain, gateway)}
	}
	user.scopes, user.ends = user.scopes.Intersect(s.Callees[h.callee].Scopes), h.now.Add(min(lifetime, user.ends.Sub(h.now)))
	return user, nil
}

// onward judges a token that was issued to the caller, when it was called itself. The user must still count, and has no
// more rights than there are left of both.
func (s *Service) onward(ctx context.Context, h hop, r sts.ExchangeRequest) (subject, error) {
	t, err := exchange.Read(r.SubjectToken.Reveal(), s.Domain, h.caller, h.state.keys, h.now)
	_, verdict := errors.AsType[*token.Error](err)
	switch {
	case verdict, err == nil && t.Subject == "":
		return subject{}, fault.New(fault.Unauthenticated, "The subject token does not hold for %s.", h.caller).Because(err)
	case err != nil:
		return subject{}, err
	}
	chain, ok := t.Extend(s.Domain, h.caller)
	if !ok {
		return subject{}, fault.New(fault.PermissionDenied, "Too many workloads act for each other already.")
	}
	return s.stillGood(ctx, subject{name: t.Subject, local: ours(t.Subject), scopes: t.Scopes, act: chain, grant: t.Grant, ends: t.Expires}, t.IssuedAt)
}
