// Package sts is the contract of the security token service: who the users are, what they may do, and whether what
// somebody brings to the edge holds. It is all that another module sees of it.
package sts

import (
	"context"

	"oms/platform/secret"
)

// Service is the security token service. Its errors are *fault.Error; every method may fail with unavailable.
type Service interface {
	// Keys gives the public keys that verify our own tokens.
	Keys(context.Context, KeysRequest) (KeySet, error)
	// Judge says who an edge access token stands for and what it allows at one callee: complete, with everything that
	// only the service knows, as of now. Errors: unauthenticated where the token does not hold; invalid_argument for a
	// callee that does not exist.
	Judge(context.Context, JudgeRequest) (Judgement, error)
	// JudgeSession says the same of a session of the user interface. Errors as in Judge.
	JudgeSession(context.Context, JudgeSessionRequest) (Judgement, error)
}

// KeysRequest asks for the public keys.
type KeysRequest struct{}

// KeySet is the set of public keys.
type KeySet struct {
	JWKS string `json:"jwks"` // the document (RFC 7517 section 5) as it stands at /oauth2/jwks
}

// JudgeRequest asks about a token.
type JudgeRequest struct {
	Token  secret.Text `json:"token"`
	Callee string      `json:"callee"` // the module that the request is for
}

// JudgeSessionRequest asks about a session.
type JudgeSessionRequest struct {
	Session secret.Text `json:"session"` // the reference in the browser's cookie
	Callee  string      `json:"callee"`  // the module that the request is for; gateway: everything that the user may do
}

// Judgement is who a credential stands for, with the rights at the callee.
type Judgement struct {
	Subject  string   `json:"subject"`             // our users by name, others as ISSUER|SUB
	FullName string   `json:"full_name,omitempty"` // of a user of ours
	Scopes   []string `json:"scopes"`              // no wider than the token, its issuer's ceiling, the user, and what the callee knows
}

// SessionCookie holds the reference of a session. The prefix makes browsers refuse it without Secure, with a Domain, or
// with another Path than /.
const SessionCookie = "__Host-session"
