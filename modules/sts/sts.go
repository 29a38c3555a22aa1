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

// Judgement is a token's subject with its rights at the callee.
type Judgement struct {
	Subject string   `json:"subject"` // our users by name, others as ISSUER|SUB
	Scopes  []string `json:"scopes"`  // no wider than the token, its issuer's ceiling, the user, and what the callee knows
}
