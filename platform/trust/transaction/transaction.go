// Package transaction is the trust profile in which the user travels in one transaction token, from the first callee to the
// last (draft-ietf-oauth-transaction-tokens-10), and every caller proves itself by its certificate alone.
package transaction

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
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

// Profile is the profile. A call without a user carries no token, and needs no STS.
type Profile struct{ Users }

var _ trust.Profile = (*Profile)(nil)

// New makes the profile.
func New(o trust.Options) *Profile { return &Profile{NewUsers(o)} }

// name is what trust.profile calls it.
const name = "transaction"

// Name implements [trust.Profile].
func (*Profile) Name() string { return name }

// Attach puts the user's transaction token into the Txn-Token header, where there is a user.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	_, err := p.AttachUser(ctx, c)
	return err
}

// Refused drops the token, if it was issued to this process; one that was passed on here cannot be replaced.
func (p *Profile) Refused(ctx context.Context, c *rpc.Call, _ *fault.Error) (again bool) {
	p.Drop(ctx, c)
	return onlyOnce(ctx)
}

// Verify judges the token by the STS's keys. The caller is the one that the certificate names.
func (p *Profile) Verify(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	proven, err := p.VerifyUser(ctx, c)
	proven.Caller = c.Caller
	return proven, err
}

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
	}
	basis := trust.Basis{Subject: t.Subject, Grant: t.Grant, IssuedAt: t.IssuedAt}
	if err := u.Revocations.Judge("The transaction token that "+c.Caller+" passes on", basis); err != nil {
		return rpc.Proven{}, err
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
		return "", rpc.NotProven("The call has an Authorization header, which proves nothing here.%s", trust.Mixed(name, header))
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
	kind := identity.CredentialFrom(ctx).Kind
	return kind == identity.EdgeToken || kind == identity.Session
}

// TokenType is the typ of a transaction token (draft-ietf-oauth-transaction-tokens-10, JWT header).
const TokenType = "txntoken+jwt" //nolint:gosec // a name

const (
	// MaxLifetime is the longest life of a transaction token: that of one request, with what it waits for.
	MaxLifetime = time.Minute
	// maxRequesters is how many workloads can stand in req_wl: the first one, and those that had it replaced.
	maxRequesters = 8
)

// Token is what a transaction token says (draft-ietf-oauth-transaction-tokens-10, JWT body claims). Except
// for Scopes and Requesters nothing of it ever changes on the way.
type Token struct {
	ID         string // txn: the transaction, that is, the request from outside
	Subject    string // the user; our users by name, others as ISSUER|SUB
	Scopes     identity.Scopes
	Requesters []string // req_wl: the workloads that had it issued or replaced, the first one first
	Callee     string   // tctx.callee: the module that the request is for
	Brought    string   // rctx.authn: what kind of credential the user brought
	Grant      string   // sid: the handle of the session that the user came with; "" where that was no session
	IssuedAt   time.Time
	Expires    time.Time
}

type claimSet struct {
	Issuer     string            `json:"iss"`
	Audience   string            `json:"aud"` // the trust domain
	Subject    string            `json:"sub"`
	Expires    json.Number       `json:"exp"`
	IssuedAt   json.Number       `json:"iat"`
	ID         string            `json:"txn"`
	Scope      string            `json:"scope"` // always there: no scope is not an unknown scope
	Requesters any               `json:"req_wl"`
	Context    map[string]string `json:"tctx"`
	Requester  map[string]string `json:"rctx"`
	Grant      string            `json:"sid,omitempty"`
}

// audience is the trust domain, at which every transaction token is directed.
func audience(domain string) string { return "spiffe://" + domain }

// Sign makes the token of t.
func (t Token) Sign(domain string, key token.SigningKey) (string, error) {
	ids := make([]string, len(t.Requesters))
	for i, workload := range t.Requesters {
		ids[i] = pki.ID(domain, workload)
	}
	claims := claimSet{
		Issuer: pki.ID(domain, trust.Issuer), Audience: audience(domain), Subject: t.Subject, ID: t.ID, Scope: t.Scopes.String(),
		Expires: token.NumericDate(t.Expires), IssuedAt: token.NumericDate(t.IssuedAt), Requesters: ids,
		Context: map[string]string{"callee": t.Callee}, Requester: map[string]string{"authn": t.Brought}, Grant: t.Grant,
	}
	if len(ids) == 1 {
		claims.Requesters = ids[0] // a chain only where there is one
	}
	return token.Sign(key, TokenType, claims)
}

// Read verifies a transaction token of the trust domain. Errors are *token.Error, or that of keys.
func Read(raw, domain string, keys func(kid string) (*token.KeySet, error), now time.Time) (Token, error) {
	peeked, err := token.Peek(raw)
	if err != nil {
		return Token{}, err
	}
	set, err := keys(peeked.Header.KeyID)
	if err != nil {
		return Token{}, err
	}
	claims, err := token.Issuer{
		Name: pki.ID(domain, trust.Issuer), Audience: audience(domain), Algorithms: []token.Algorithm{token.ES256}, Types: []string{TokenType},
		MaxLifetime: MaxLifetime, Leeway: trust.Leeway, Require: []string{"txn", "scope", "req_wl", "tctx", "rctx"},
	}.VerifyPeeked(peeked, set, now)
	if err != nil {
		return Token{}, err
	}
	requesters, _ := claims.Member("req_wl")
	t := Token{
		ID: claims.Text("txn"), Subject: claims.Subject, Scopes: identity.NewScopes(claims.Scopes...), Requesters: readRequesters(domain, requesters),
		Callee: claims.Text("tctx", "callee"), Brought: claims.Text("rctx", "authn"), Grant: claims.Text("sid"),
		IssuedAt: claims.IssuedAt, Expires: claims.Expires,
	}
	if t.ID == "" || len(t.Requesters) == 0 || len(claims.Audience) != 1 {
		return Token{}, &token.Error{Reason: token.ReasonClaim, Detail: "txn, req_wl or aud is not of its form"}
	}
	return t, nil
}

// readRequesters reads one workload, or a chain of them; nil where it is neither.
func readRequesters(domain string, value strictjson.Value) (workloads []string) {
	ids := []strictjson.Value{value}
	if value.Kind() == strictjson.Array {
		ids = ids[:0]
		for _, id := range value.Items() {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		text, _ := id.Text()
		workload, ok := pki.Workload(domain, text)
		if !ok || len(workloads) == maxRequesters {
			return nil
		}
		workloads = append(workloads, workload)
	}
	return workloads
}

// Replace is the token that replaces t when workload asks for it: for the same transaction, subject and audience, with no
// wider scope, no longer life, and one more workload in the chain. ok is false where the chain is as long as it may be.
func (t Token) Replace(workload string, scopes identity.Scopes, now time.Time) (next Token, ok bool) {
	next = t
	next.Scopes = t.Scopes.Intersect(scopes)
	next.Requesters = append(append([]string(nil), t.Requesters...), workload)
	next.IssuedAt = now
	return next, len(next.Requesters) <= maxRequesters
}
