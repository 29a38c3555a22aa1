// Package exchange is the default trust profile: every hop carries a short-lived JWT of the STS for exactly this callee, got by
// token exchange (RFC 8693). sub is the user, act the workloads on the way, scope what the user may do there. Where no user is
// behind the call, the token only says who the workload is. The callee verifies it by itself.
package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/strictjson"
	"oms/platform/token"
	"oms/platform/trust"
)

// Profile is the profile.
type Profile struct {
	trust.Options
	tokens *trust.Cache
}

var _ trust.Profile = (*Profile)(nil)

// New makes the profile.
func New(o trust.Options) *Profile { return &Profile{o, trust.NewCache(o.Now)} }

// name is what trust.profile calls it.
const name = "exchange"

// Name implements [trust.Profile].
func (*Profile) Name() string { return name }

// Attach puts the token into the Authorization header.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	issued, err := p.token(ctx, c.Caller, c.Callee)
	if err != nil {
		return err
	}
	c.SetHeader("Authorization", "Bearer "+issued.Token.Reveal())
	return nil
}

// User says who the credential in ctx stands for at callee, and what that user may do there: the exchange that a call
// from caller to callee will use. Without a credential it is nobody.
func (p *Profile) User(ctx context.Context, caller, callee string) (trust.Issued, error) {
	if identity.CredentialFrom(ctx).Kind == identity.NoCredential {
		return trust.Issued{}, nil
	}
	return p.token(ctx, caller, callee)
}

// token gives the token for the user behind ctx, or the workload's own.
func (p *Profile) token(ctx context.Context, caller, callee string) (trust.Issued, error) {
	user := identity.CredentialFrom(ctx)
	return p.tokens.Get(ctx, trust.CacheKey(caller, callee, user), p.StillHolds, func(ctx context.Context) (trust.Issued, error) {
		if user.Kind == identity.NoCredential {
			return p.STS(caller).WorkloadToken(ctx, callee)
		}
		return p.STS(caller).Exchange(ctx, user, callee)
	})
}

// keepInterval is how often it is looked whether a token is missing or has to be replaced.
const keepInterval = 10 * time.Second

// KeepOwn keeps a workload's own tokens for the callees at hand, until ctx ends: calls that no user is behind need no STS
// then, however late the first of them comes.
func (p *Profile) KeepOwn(ctx context.Context, workload string, callees []string) {
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		for _, callee := range callees {
			_, _ = p.token(ctx, workload, callee) // where that fails, it is tried again, and a call says why
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Refused drops the token: it may have been signed with a key that was withdrawn, or revoked.
func (p *Profile) Refused(ctx context.Context, c *rpc.Call, _ *fault.Error) (again bool) {
	p.tokens.Drop(trust.CacheKey(c.Caller, c.Callee, identity.CredentialFrom(ctx)))
	return true
}

// Verify judges the token by the STS's keys.
func (p *Profile) Verify(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	raw, err := onlyBearer(c.Header)
	if err != nil {
		return rpc.Proven{}, err
	}
	t, err := Read(raw.Reveal(), p.Domain, c.Callee, p.KeysHaving(ctx), p.Now())
	verdict, judged := errors.AsType[*token.Error](err)
	switch {
	case judged:
		return rpc.Proven{}, rpc.NotProven("The token of %s does not hold here: %s.", c.Caller, verdict.Reason).Because(err)
	case err != nil:
		return rpc.Proven{}, err
	case t.Subject == "":
		return rpc.Proven{Principal: identity.Principal{Caller: t.Workload}}, nil
	}
	if err := p.Revocations.Judge("The token of "+c.Caller, trust.Basis{Subject: t.Subject, Grant: t.Grant, IssuedAt: t.IssuedAt}); err != nil {
		return rpc.Proven{}, err
	}
	return rpc.Proven{
		Principal: identity.Principal{Subject: t.Subject, Caller: t.Workload, Scopes: t.Scopes},
		User:      identity.Credential{Kind: identity.Internal, Text: raw},
	}, nil
}

// onlyBearer is the token of the one Authorization header (RFC 6750 section 2.1).
func onlyBearer(header http.Header) (secret.Text, error) {
	sent := header.Values("Authorization")
	if len(sent) != 1 {
		return "", rpc.NotProven("The call has %d Authorization headers; it takes exactly one.%s", len(sent), trust.Mixed(name, header))
	}
	scheme, raw, _ := strings.Cut(sent[0], " ")
	if scheme != "Bearer" || raw == "" {
		return "", rpc.NotProven("The call has no bearer token.")
	}
	return secret.Text(raw), nil
}

// The types (typ) of the tokens that the STS issues to workloads. None is accepted where another is meant.
const (
	userTokenType     = "internal+jwt"
	workloadTokenType = "workload+jwt"
)

// Bounds of what the STS issues.
const (
	// MaxLifetime is the longest life of a token that stands for a user.
	MaxLifetime         = time.Hour
	maxWorkloadLifetime = 24 * time.Hour
	// maxActors is how many workloads can stand behind each other in act: far more than there are modules.
	maxActors = 8
)

// Actor is a workload that acts for the subject, and the one before it (RFC 8693 section 4.1). Only the outermost one
// counts for access; the rest is for the record.
type Actor struct {
	Subject string `json:"sub"`
	Actor   *Actor `json:"act,omitempty"`
}

// Token is what a token says that the STS issued to a workload, for one callee.
type Token struct {
	ID       string
	Subject  string          // the user; empty in a token that only says who the workload is
	Workload string          // to whom it was issued: the immediate actor, and client_id (RFC 8693 section 4.3)
	Callee   string          // aud
	Scopes   identity.Scopes // of the user, at the callee
	Act      *Actor          // the chain, its first being Workload; nil in a workload's own token
	Grant    string          // sid: the handle of the session that the user came with; "" where that was no session
	IssuedAt time.Time
	Expires  time.Time
}

type claimSet struct {
	Issuer   string      `json:"iss"`
	Subject  string      `json:"sub"`
	Audience string      `json:"aud"`
	Expires  json.Number `json:"exp"`
	IssuedAt json.Number `json:"iat"` // with its fraction: a revocation in the same second is told apart
	ID       string      `json:"jti"`
	ClientID string      `json:"client_id"`
	Scope    string      `json:"scope,omitempty"`
	Act      *Actor      `json:"act,omitempty"`
	Grant    string      `json:"sid,omitempty"`
}

// Sign makes the token of t.
func (t Token) Sign(domain string, key token.SigningKey) (string, error) {
	workload := pki.ID(domain, t.Workload)
	claims := claimSet{
		Issuer: pki.ID(domain, trust.Issuer), Subject: workload, Audience: pki.ID(domain, t.Callee), ClientID: workload, ID: t.ID,
		Expires: token.NumericDate(t.Expires), IssuedAt: token.NumericDate(t.IssuedAt),
	}
	if t.Subject == "" {
		return token.Sign(key, workloadTokenType, claims)
	}
	claims.Subject, claims.Scope, claims.Act, claims.Grant = t.Subject, t.Scopes.String(), t.Act, t.Grant
	return token.Sign(key, userTokenType, claims)
}

// Read verifies a token that the STS issued for callee. keys gives the STS's keys, among them that of a kid.
// Errors are *token.Error, or that of keys.
func Read(raw, domain, callee string, keys func(kid string) (*token.KeySet, error), now time.Time) (Token, error) {
	peeked, err := token.Peek(raw)
	if err != nil {
		return Token{}, err
	}
	policy := token.Issuer{
		Name: pki.ID(domain, trust.Issuer), Audience: pki.ID(domain, callee), Algorithms: []token.Algorithm{token.ES256},
		Types: []string{userTokenType}, MaxLifetime: MaxLifetime, Leeway: trust.Leeway, Require: []string{"jti", "client_id", "act"},
	}
	if peeked.Header.Type == workloadTokenType {
		policy.Types, policy.MaxLifetime, policy.Require = []string{workloadTokenType}, maxWorkloadLifetime, []string{"jti", "client_id"}
	}
	set, err := keys(peeked.Header.KeyID)
	if err != nil {
		return Token{}, err
	}
	claims, err := policy.VerifyPeeked(peeked, set, now)
	if err != nil {
		return Token{}, err
	}
	return fromClaims(claims, domain, callee)
}

func fromClaims(c token.Claims, domain, callee string) (Token, error) {
	workload, ok := pki.Workload(domain, c.ClientID)
	if !ok || len(c.Audience) != 1 {
		return Token{}, malformed("client_id is not a workload of this domain, or aud is not one callee")
	}
	t := Token{ID: c.ID, Workload: workload, Callee: callee, IssuedAt: c.IssuedAt, Expires: c.Expires}
	if c.Type == workloadTokenType {
		if c.Subject != c.ClientID {
			return Token{}, malformed("sub is not the workload that the token was issued to")
		}
		return t, nil
	}
	t.Subject, t.Scopes, t.Grant = c.Subject, identity.NewScopes(c.Scopes...), c.Text("sid")
	act, _ := c.Member("act")
	if t.Act = readActor(act, maxActors); t.Act == nil || t.Act.Subject != c.ClientID {
		return Token{}, malformed("act is not a chain of workloads that begins with the one the token was issued to")
	}
	return t, nil
}

// readActor reads a chain of at most depth actors; nil where it is none.
func readActor(value strictjson.Value, depth int) *Actor {
	sub, _ := value.Get("sub")
	subject, ok := sub.Text()
	if !ok || subject == "" || depth == 0 {
		return nil
	}
	before, chained := value.Get("act")
	if !chained {
		return &Actor{Subject: subject}
	}
	if actor := readActor(before, depth-1); actor != nil {
		return &Actor{Subject: subject, Actor: actor}
	}
	return nil
}

// Extend is the chain with one more workload in front, and whether that is still short enough.
func (t Token) Extend(domain, workload string) (chain *Actor, ok bool) {
	length := 1
	for actor := t.Act; actor != nil; actor = actor.Actor {
		length++
	}
	return &Actor{Subject: pki.ID(domain, workload), Actor: t.Act}, length <= maxActors
}

func malformed(detail string) error { return &token.Error{Reason: token.ReasonClaim, Detail: detail} }
