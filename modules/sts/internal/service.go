// Package internal holds the users and the keys of the STS, how it authenticates users, and what it issues to workloads.
package internal

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
	"oms/platform/secret"
)

// Options are what the service needs.
type Options struct {
	Settings
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Log      *slog.Logger
	Edge     issuers.Accepted
	Domain   string            // the trust domain
	Callees  map[string]Callee // by module, the gateway among them: it shows users all that they may do
	Demo     bool              // seed the demo users, and let demo accounts in

	PublicHosts    []string      // what the public listener is called in its certificate
	CertificateTTL time.Duration // of a workload's certificate

	DataDir   string   // where join tokens lie for other processes of this machine
	Elsewhere []string // the workloads for which one lies there
}

// Service implements [sts.Service] on its own database. It is safe for concurrent use.
type Service struct {
	Options
	hasher   *Hasher
	current  atomic.Pointer[state]
	reading  sync.Mutex // one reads the state for all
	guesses  *guesses
	refusals *sampled.Log // of certificates, which anonymous callers ask for
}

var _ sts.Service = (*Service)(nil)

// New makes the service, and at the first start its signing key and the private root.
func New(ctx context.Context, o Options) (*Service, error) {
	if o.Demo {
		if err := seedDemo(ctx, o.Store, o.Now()); err != nil {
			return nil, err
		}
	}
	for p, generate := range map[purpose]func(time.Time) (storedKey, error){tokens: generateSigningKey, certificates: generateAuthority(o.Domain)} {
		if err := ensureKey(ctx, o.Store, p, o.Now(), generate); err != nil {
			return nil, err
		}
	}
	if err := o.Store.Write(ctx, func(tx database.Tx) error { return knowWorkloads(tx, o.Callees) }); err != nil {
		return nil, err
	}
	s := &Service{Options: o, hasher: NewHasher(), guesses: newGuesses(), refusals: sampled.New(o.Log, o.Now)}
	_, err := s.refresh(ctx) // what is wrong with the keys is told at the start
	return s, err
}

// Authenticate verifies the token again and adds what only the STS knows: that its user is still there, enabled, and still
// has the rights that the token names.
func (s *Service) Authenticate(ctx context.Context, r sts.AuthenticateRequest) (sts.Authentication, error) {
	known, err := s.known(r.Callee)
	if err != nil {
		return sts.Authentication{}, err
	}
	state, err := s.state(ctx)
	if err != nil {
		return sts.Authentication{}, err
	}
	bearer, user, err := s.authenticateBearer(ctx, r.Token, state)
	if err != nil {
		return sts.Authentication{}, err
	}
	return sts.Authentication{Subject: bearer.Subject, FullName: user.FullName, Scopes: bearer.Scopes.Intersect(known)}, nil
}

// authenticateBearer verifies an edge access token. The user is nobody where the subject is another issuer's.
func (s *Service) authenticateBearer(ctx context.Context, raw secret.Text, now *state) (bearer issuers.Bearer, user sts.User, err error) {
	if bearer, err = s.Edge.Verify(raw.Reveal(), now.keys, s.Now()); err != nil {
		return bearer, user, refused().Because(err)
	}
	if !bearer.Local {
		return bearer, user, nil
	}
	user, err = database.Read(ctx, s.Store, func(tx database.Tx) (sts.User, error) { return findUser(tx, bearer.Subject) })
	switch {
	case err != nil:
		return bearer, user, err
	case !counts(user, s.Demo):
		return bearer, user, refused()
	}
	bearer.Scopes = bearer.Scopes.Intersect(user.Scopes)
	return bearer, user, nil
}

// known are the scopes that a callee's operations speak of.
func (s *Service) known(callee string) (identity.Scopes, error) {
	known, exists := s.Callees[callee]
	if !exists {
		return nil, fault.New(fault.InvalidArgument, "There is no module %q to judge a credential for.", callee)
	}
	return known.Scopes, nil
}

// refused tells whoever holds a bad token nothing about it (RFC 6750 section 3.1).
func refused() *fault.Error {
	return fault.New(fault.Unauthenticated, "The access token does not hold. Get a new one.")
}
