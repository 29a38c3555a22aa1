// Package internal holds the users, the signing keys and the judgement of the STS.
package internal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/platform/token"
)

// Options are what the service needs.
type Options struct {
	Store   database.Store
	Now     func() time.Time
	Edge    sts.Edge
	Callees map[string]identity.Scopes // the scopes that each module's operation table knows
	Demo    bool                       // demo accounts are good
	Hasher  *Hasher

	SessionTTL time.Duration // how long a session of the user interface lasts
}

// Service implements [sts.Service] on its own database. It is safe for concurrent use.
type Service struct {
	Options
	public      *token.KeySet
	jwks        string
	guesses     *guesses
	nobodysHash secret.Text // what a sign-in with an unknown name is compared with
}

var _ sts.Service = (*Service)(nil)

// New makes the service, and its signing key at the first start.
func New(ctx context.Context, o Options) (*Service, error) {
	signing, err := openSigningKey(ctx, o.Store, o.Now())
	if err != nil {
		return nil, err
	}
	public, err := token.NewKeySet(signing.Public())
	if err != nil {
		return nil, err
	}
	jwks, err := json.Marshal(public)
	if err != nil {
		return nil, err
	}
	nobodysHash, err := o.Hasher.Hash(ctx, secret.Text(rand.Text()))
	if err != nil {
		return nil, err
	}
	return &Service{o, public, string(jwks), newGuesses(), nobodysHash}, nil
}

// Keys gives the public keys.
func (s *Service) Keys(context.Context, sts.KeysRequest) (sts.KeySet, error) {
	return sts.KeySet{JWKS: s.jwks}, nil
}

// Judge verifies the token again and adds what only the STS knows: that its user is still there, enabled, and still
// has the rights that the token names.
func (s *Service) Judge(ctx context.Context, r sts.JudgeRequest) (sts.Judgement, error) {
	known, err := s.known(r.Callee)
	if err != nil {
		return sts.Judgement{}, err
	}
	bearer, err := s.Edge.Verify(r.Token.Reveal(), s.ownKeys, s.Now())
	if err != nil {
		return sts.Judgement{}, refused().Because(err)
	}
	var user User // stays nobody's where the subject is another issuer's
	if bearer.Local {
		user, err = s.findUser(ctx, bearer.Subject)
		switch {
		case err != nil:
			return sts.Judgement{}, err
		case !user.good(s.Demo):
			return sts.Judgement{}, refused()
		}
		bearer.Scopes = bearer.Scopes.Intersect(user.Scopes)
	}
	return sts.Judgement{Subject: bearer.Subject, FullName: user.FullName, Scopes: bearer.Scopes.Intersect(known)}, nil
}

func (s *Service) ownKeys(string) (*token.KeySet, error) { return s.public, nil }

func noCallee(name string) *fault.Error {
	return fault.New(fault.InvalidArgument, "There is no module %q to judge a credential for.", name)
}

// refused tells whoever holds a bad token nothing about it (RFC 6750 section 3.1).
func refused() *fault.Error {
	return fault.New(fault.Unauthenticated, "The access token does not hold. Get a new one.")
}
