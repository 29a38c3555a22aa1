// Package sts is the contract of the security token service: who the users are, what they may do, whether what somebody
// brings to the edge holds, and what workloads prove themselves with. It is all that another module sees of it.
package sts

import (
	"context"
	"path/filepath"
	"time"

	"oms/platform/secret"
)

// Name is what the module is called by those who call it.
const Name = "sts"

// Service is the security token service. Its errors are *fault.Error; every method may fail with unavailable.
type Service interface {
	// Keys gives the public keys that verify our own tokens.
	Keys(context.Context, KeysRequest) (KeySet, error)
	// Authenticate says who an edge access token stands for and what it allows at one callee: complete, with everything that
	// only the service knows, as of now. Errors: unauthenticated where the token does not hold; invalid_argument for a
	// callee that does not exist.
	Authenticate(context.Context, AuthenticateRequest) (Authentication, error)
	// AuthenticateSession says the same of a session of the user interface. Errors as in Authenticate.
	AuthenticateSession(context.Context, AuthenticateSessionRequest) (Authentication, error)
	// Account says what whoever is signed in may know about it. Errors: unauthenticated where the session does not hold.
	Account(context.Context, AccountRequest) (Account, error)
	// SignOutEverywhere ends all sessions of whoever is signed in, this one too, and what was issued to that user before.
	// Errors: unauthenticated where the session does not hold.
	SignOutEverywhere(context.Context, SignOutEverywhereRequest) (Done, error)

	// Exchange trades what stands for a user for a token that the calling workload may show to one callee (RFC 8693):
	// sub is the user, act the workloads on the way, scope never wider than before. Errors: unauthenticated where the
	// subject token does not hold, or was issued to another workload; permission_denied for a callee that the workload
	// may not call (invalid_target, section 2.2.2) and for a kind of subject token that it may not bring.
	//
	// A transaction token, where that is requested, is good in the whole trust domain, for the transaction that the call
	// is in and with the scopes that the callee knows. Errors: invalid_argument where the call is in no transaction.
	Exchange(context.Context, ExchangeRequest) (Exchanged, error)
	// WorkloadToken gives the calling workload a token that says no more than that it is itself, for one callee: for
	// calls that no user is behind. Errors: permission_denied as in Exchange.
	WorkloadToken(context.Context, WorkloadTokenRequest) (WorkloadToken, error)

	// Enrol trades a join token, once, for the first certificate of the workload that the token names. Errors:
	// unauthenticated for a join token that does not hold; invalid_argument for a request that asks for anything else.
	Enrol(context.Context, EnrolRequest) (Certificate, error)
	// Renew gives the calling workload its next certificate. Errors: invalid_argument as in Enrol.
	Renew(context.Context, CertificateRequest) (Certificate, error)
	// ServerCertificate gives the gateway a certificate for the public listener, from the root that people import. Errors: invalid_argument as in Enrol.
	ServerCertificate(context.Context, CertificateRequest) (Certificate, error)
	// PublishKeys shows people the public keys of the calling workload, where the trust profile gives it any. Nobody's
	// trust comes from there. Errors: invalid_argument for what is no key set.
	PublishKeys(context.Context, PublishKeysRequest) (Done, error)
	// Feed tells what everybody who verifies needs to know now. Whoever asks every second hears of a change in time.
	Feed(context.Context, FeedRequest) (Feed, error)
}

// KeysRequest asks for the public keys.
type KeysRequest struct{}

// KeySet is the set of public keys.
type KeySet struct {
	JWKS string `json:"jwks"` // the document (RFC 7517 section 5) as it stands at /oauth2/jwks
}

// AuthenticateRequest asks about a token.
type AuthenticateRequest struct {
	Token  secret.Text `json:"token"`
	Callee string      `json:"callee"` // the module that the request is for
}

// AuthenticateSessionRequest asks about a session.
type AuthenticateSessionRequest struct {
	Session secret.Text `json:"session"` // the reference in the browser's cookie
	Callee  string      `json:"callee"`  // the module that the request is for; gateway: everything that the user may do
}

// Authentication is who a credential stands for, with the rights at the callee.
type Authentication struct {
	Subject  string   `json:"subject"`             // our users by name, others as ISSUER|SUB
	FullName string   `json:"full_name,omitempty"` // of a user of ours
	Scopes   []string `json:"scopes"`              // no wider than the token, its issuer's ceiling, the user, and what the callee knows
}

// AccountRequest asks who is signed in.
type AccountRequest struct {
	Session secret.Text `json:"session"` // the reference in the browser's cookie
}

// Account is who is signed in.
type Account struct {
	Name       string    `json:"name"`
	FullName   string    `json:"full_name"`
	Email      string    `json:"email,omitempty"`
	SignedInAt time.Time `json:"signed_in_at"` // with this session
	Sessions   int64     `json:"sessions"`     // that hold, this one among them: one for each browser
}

// SignOutEverywhereRequest ends everything that was begun as whoever is signed in.
type SignOutEverywhereRequest struct {
	Session secret.Text `json:"session"` // the reference in the browser's cookie
}

// What can stand for a user in an exchange (RFC 8693 section 3).
const (
	AccessToken   = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name: what a user brought to the edge; from the gateway alone
	SessionToken  = "urn:oms:token-type:session"                    //nolint:gosec // a name: the reference of a session; from the gateway alone
	InternalToken = "urn:oms:token-type:internal"                   //nolint:gosec // a name: what Exchange issued to the workload that now brings it

	// TransactionToken names a transaction token (draft-ietf-oauth-transaction-tokens-10): it is issued for what a user
	// brought, and replaces an earlier one.
	TransactionToken = "urn:ietf:params:oauth:token-type:txn_token" //nolint:gosec // a name
)

// ExchangeRequest asks for a token for one callee. Its members are those of RFC 8693 section 2.1.
type ExchangeRequest struct {
	SubjectToken       secret.Text `json:"subject_token"`
	SubjectTokenType   string      `json:"subject_token_type"`
	RequestedTokenType string      `json:"requested_token_type,omitempty"` // InternalToken, which is the default, or TransactionToken
	Audience           string      `json:"audience"`                       // the callee: spiffe://DOMAIN/MODULE
}

// Exchanged is the answer of RFC 8693 section 2.2.1, and who the user is.
type Exchanged struct {
	AccessToken     secret.Text `json:"access_token"`
	IssuedTokenType string      `json:"issued_token_type"`
	TokenType       string      `json:"token_type"` // N_A: it is not for OAuth resource servers
	IssuedAt        time.Time   `json:"issued_at"`
	ExpiresIn       int64       `json:"expires_in"` // seconds
	Scope           string      `json:"scope"`
	Subject         string      `json:"subject"`             // our users by name, others as ISSUER|SUB
	FullName        string      `json:"full_name,omitempty"` // of a user of ours
	Grant           string      `json:"sid,omitempty"`       // the handle of the session that the user came with; "" where that was no session
}

// WorkloadTokenRequest asks for a token for one callee.
type WorkloadTokenRequest struct {
	Audience string `json:"audience"` // the callee: spiffe://DOMAIN/MODULE
}

// WorkloadToken says who the workload is.
type WorkloadToken struct {
	AccessToken secret.Text `json:"access_token"`
	IssuedAt    time.Time   `json:"issued_at"`
	ExpiresIn   int64       `json:"expires_in"` // seconds
}

// EnrolRequest asks for a first certificate.
type EnrolRequest struct {
	JoinToken secret.Text `json:"join_token"`
	Request   []byte      `json:"request"` // PKCS #10, DER
}

// CertificateRequest asks for a certificate.
type CertificateRequest struct {
	Request []byte `json:"request"` // PKCS #10, DER
}

// Certificate is a certificate, and what others of its purpose are to be judged by.
type Certificate struct {
	Chain [][]byte `json:"chain"` // DER: the certificate and the root that signed it
	Roots string   `json:"roots"` // PEM: all roots that are trusted now
}

// PublishKeysRequest has the calling workload's own public keys published.
type PublishKeysRequest struct {
	JWKS string `json:"jwks"` // RFC 7517
}

// FeedRequest asks for what is announced.
type FeedRequest struct {
	Have string `json:"have,omitempty"` // the version that the caller has; the answer is then empty where it is the newest
}

// Feed is everything that verifiers must know, as it stands now. It replaces what they knew.
type Feed struct {
	Version string `json:"version"`
	// JWKS are the keys that verify our tokens, also those that will sign soon.
	JWKS string `json:"jwks,omitempty"`
	// Roots are the trusted roots of workloads in PEM, also those that will sign soon.
	Roots string `json:"roots,omitempty"`
	// PublicRoots are those of the public listener, for people and their clients. They prove no workload.
	PublicRoots string `json:"public_roots,omitempty"`
	// PublicRoot is the fingerprint of the one of them that signs now: what another has signed is to be renewed at once.
	PublicRoot string `json:"public_root,omitempty"`
	// RevokedCertificates are the serial numbers of certificates that do not count any more.
	RevokedCertificates []string `json:"revoked_certificates,omitempty"`
	// RevokedSubjects are users whose tokens do not count that were issued before the given time.
	RevokedSubjects map[string]time.Time `json:"revoked_subjects,omitempty"`
	// EndedGrants are the handles of sessions that were ended: no token counts that was issued for one of them.
	EndedGrants []string `json:"ended_grants,omitempty"`
	// RevokedBefore stands for what has ended and is not listed any more, where that is too much: tokens for users that
	// were issued to workloads before do not count. Whoever has one gets another.
	RevokedBefore time.Time `json:"revoked_before,omitzero"`
	// RenewBefore says by workload which certificates have to be renewed at once: those issued before the given time.
	RenewBefore map[string]time.Time `json:"renew_before,omitempty"`
}

// SessionCookie holds the reference of a session. The prefix makes browsers refuse it without Secure, with a Domain, or
// with another Path than /.
const SessionCookie = "__Host-session"

// KnownCookie holds references that say as whom somebody has signed in with this browser before. They open nothing: names
// that are guessed at by strangers let such a browser try.
const KnownCookie = "__Host-known"

// MaxForm is the longest form of the pages in bytes: a name, a password and a path, each of the longest kind, escaped. More
// is refused, and the gateway passes on no more than shows it.
const MaxForm = 16 << 10

// JoinFile is where the STS leaves the join token of a workload for another process of its machine, in the data directory.
func JoinFile(dataDir, workload string) string {
	return filepath.Join(dataDir, "pki", "join", workload+".token")
}

// ClientAddress is the header in which the gateway tells the STS's pages where their request comes from (host:port). It
// is taken from the gateway alone.
const ClientAddress = "Client-Address"
