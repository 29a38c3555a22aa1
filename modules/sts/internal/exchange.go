package internal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust/exchange"
)

// Callee is a module as the STS knows it: from its table of operations.
type Callee struct {
	Scopes  identity.Scopes // what its rows speak of
	Callers []string        // who may call it
}

// subject is a user that a credential has proven, with what it may do at most.
type subject struct {
	name     string
	fullName string
	scopes   identity.Scopes
	act      *exchange.Actor
	ends     time.Time // when the credential does
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
	caller := identity.From(ctx).Caller
	callee, err := s.mayCall(caller, r.Audience)
	if err != nil {
		return sts.Exchanged{}, err
	}
	state, err := s.state(ctx)
	if err != nil {
		return sts.Exchanged{}, err
	}
	switch r.RequestedTokenType {
	case "", sts.InternalToken:
		return s.exchangeInternal(ctx, caller, callee, r, state)
	case sts.TransactionToken:
		return s.exchangeTransaction(ctx, caller, callee, r, state)
	}
	return sts.Exchanged{}, fault.New(fault.InvalidArgument, "There is no requested_token_type %.100q; it is %s or %s.", r.RequestedTokenType, sts.InternalToken, sts.TransactionToken)
}

func (s *Service) exchangeInternal(ctx context.Context, caller, callee string, r sts.ExchangeRequest, state *state) (sts.Exchanged, error) {
	now := s.Now() // before anything is judged: what is withdrawn meanwhile is withdrawn from this token too
	user, err := s.subject(ctx, caller, r, state)
	if err != nil {
		return sts.Exchanged{}, err
	}
	t := exchange.Token{
		ID: uuid.NewString(), Subject: user.name, Workload: caller, Callee: callee, Act: user.act,
		Scopes: user.scopes.Intersect(s.Callees[callee].Scopes), IssuedAt: now, Expires: now.Add(min(s.InternalTokenTTL, user.ends.Sub(now))),
	}
	if t.Expires.Sub(now) < time.Second {
		return sts.Exchanged{}, refused()
	}
	raw, err := t.Sign(s.Domain, state.signing)
	return exchanged(raw, sts.InternalToken, user, t.Scopes, now, t.Expires), err
}

func exchanged(raw, issued string, user subject, scopes identity.Scopes, now, expires time.Time) sts.Exchanged {
	return sts.Exchanged{
		AccessToken: secret.Text(raw), IssuedTokenType: issued, TokenType: "N_A", IssuedAt: now,
		ExpiresIn: int64(expires.Sub(now) / time.Second), Scope: scopes.String(), Subject: user.name, FullName: user.fullName,
	}
}

// WorkloadToken says no more than who the calling workload is.
func (s *Service) WorkloadToken(ctx context.Context, r sts.WorkloadTokenRequest) (sts.WorkloadToken, error) {
	caller, now := identity.From(ctx).Caller, s.Now()
	callee, err := s.mayCall(caller, r.Audience)
	if err != nil {
		return sts.WorkloadToken{}, err
	}
	state, err := s.state(ctx)
	if err != nil {
		return sts.WorkloadToken{}, err
	}
	raw, err := exchange.Token{ID: uuid.NewString(), Workload: caller, Callee: callee, IssuedAt: now, Expires: now.Add(s.WorkloadTokenTTL)}.Sign(s.Domain, state.signing)
	return sts.WorkloadToken{AccessToken: secret.Text(raw), IssuedAt: now, ExpiresIn: int64(s.WorkloadTokenTTL / time.Second)}, err
}

// mayCall says which module the audience is, if the caller is listed there. The list is that of the callee's own rows.
func (s *Service) mayCall(caller, audience string) (callee string, err error) {
	callee, ours := pki.Workload(s.Domain, audience)
	if known, exists := s.Callees[callee]; ours && exists && slices.Contains(known.Callers, caller) {
		return callee, nil
	}
	return "", fault.New(fault.PermissionDenied, "%s may not call %.100q (invalid_target): no operation there lists it.", caller, audience)
}

// subject judges what the caller brings. Credentials from outside are the gateway's alone to bring; a token of ours is
// good for the one workload that it was issued to.
func (s *Service) subject(ctx context.Context, caller string, r sts.ExchangeRequest, now *state) (subject, error) {
	if _, users := brought[r.SubjectTokenType]; users && caller != gateway {
		return subject{}, fault.New(fault.PermissionDenied, "Only the gateway exchanges what users bring, not %s.", caller)
	}
	act := &exchange.Actor{Subject: pki.ID(s.Domain, gateway)}
	switch r.SubjectTokenType {
	case sts.AccessToken:
		bearer, user, err := s.authenticateBearer(ctx, r.SubjectToken, now)
		return subject{name: bearer.Subject, fullName: user.FullName, scopes: bearer.Scopes, ends: bearer.Expires, act: act}, err
	case sts.SessionToken:
		user, ends, err := s.authenticateSession(ctx, r.SubjectToken)
		return subject{name: user.Name, fullName: user.FullName, scopes: user.Scopes, ends: ends, act: act}, err
	case sts.InternalToken:
		return s.onward(ctx, caller, r, now)
	}
	return subject{}, fault.New(fault.InvalidArgument, "There is no subject_token_type %.100q; it is one of %s, %s, %s.",
		r.SubjectTokenType, sts.AccessToken, sts.SessionToken, sts.InternalToken)
}

// gateway is the workload to which users bring what they have.
const gateway = "gateway"

// onward judges a token that was issued to the caller, when it was called itself. The user must still count, and has no
// more rights than there are left of both.
func (s *Service) onward(ctx context.Context, caller string, r sts.ExchangeRequest, now *state) (subject, error) {
	t, err := exchange.Read(r.SubjectToken.Reveal(), s.Domain, caller, now.keys, s.Now())
	_, verdict := errors.AsType[*token.Error](err)
	switch {
	case verdict, err == nil && t.Subject == "":
		return subject{}, fault.New(fault.Unauthenticated, "The subject token does not hold for %s.", caller).Because(err)
	case err != nil:
		return subject{}, err
	}
	chain, ok := t.Extend(s.Domain, caller)
	if !ok {
		return subject{}, fault.New(fault.PermissionDenied, "Too many workloads act for each other already.")
	}
	return s.stillGood(ctx, subject{name: t.Subject, scopes: t.Scopes, act: chain, ends: t.Expires}, t.IssuedAt)
}

// stillGood refuses a user who does not count any more, or whose tokens of that time do not, and takes what rights are
// gone: as of now, not as of when the state was read.
func (s *Service) stillGood(ctx context.Context, onward subject, issued time.Time) (subject, error) {
	local := !strings.Contains(onward.name, "|") // no user of ours has a name like another issuer's
	var user sts.User
	var revoked time.Time
	err := s.Store.Read(ctx, func(tx database.Tx) (err error) {
		if revoked, err = revokedAt(tx, onward.name); err != nil || !local {
			return err
		}
		user, err = findUser(tx, onward.name)
		return err
	})
	switch {
	case err != nil:
		return subject{}, err
	case issued.Before(revoked), local && !counts(user, s.Demo):
		return subject{}, refused()
	case local:
		onward.fullName, onward.scopes = user.FullName, onward.scopes.Intersect(user.Scopes)
	}
	return onward, nil
}
