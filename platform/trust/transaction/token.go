package transaction

import (
	"encoding/json"
	"time"

	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/strictjson"
	"oms/platform/token"
	"oms/platform/trust"
)

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
		Context: map[string]string{"callee": t.Callee}, Requester: map[string]string{"authn": t.Brought},
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
		Callee: claims.Text("tctx", "callee"), Brought: claims.Text("rctx", "authn"), IssuedAt: claims.IssuedAt, Expires: claims.Expires,
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
