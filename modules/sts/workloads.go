package sts

import (
	"time"

	"oms/platform/secret"
)

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

// Certificate is a certificate, and what others' certificates are to be judged by.
type Certificate struct {
	Chain [][]byte `json:"chain"` // DER: the certificate and the root that signed it
	Roots string   `json:"roots"` // PEM: all roots that are trusted now
}

// PublishKeysRequest has the calling workload's own public keys published.
type PublishKeysRequest struct {
	JWKS string `json:"jwks"` // RFC 7517
}

// Published confirms it.
type Published struct{}

// FeedRequest asks for what is announced.
type FeedRequest struct {
	Have string `json:"have,omitempty"` // the version that the caller has; the answer is then empty where it is the newest
}

// Feed is everything that verifiers must know, as it stands now. It replaces what they knew.
type Feed struct {
	Version string `json:"version"`
	// JWKS are the keys that verify our tokens, also those that will sign soon.
	JWKS string `json:"jwks,omitempty"`
	// Roots are the trusted roots in PEM, also those that will sign soon.
	Roots string `json:"roots,omitempty"`
	// RevokedCertificates are the serial numbers of certificates that do not count any more.
	RevokedCertificates []string `json:"revoked_certificates,omitempty"`
	// RevokedSubjects are users whose tokens do not count that were issued before the given time.
	RevokedSubjects map[string]time.Time `json:"revoked_subjects,omitempty"`
	// RenewBefore says by workload which certificates have to be renewed at once: those issued before the given time.
	RenewBefore map[string]time.Time `json:"renew_before,omitempty"`
}
