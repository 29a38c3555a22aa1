// Package internal holds the users and the keys of the STS, how it authenticates users, and what it issues to workloads.
package internal

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
)

// Options are what the service needs.
type Options struct {
	module.Env
	Settings
	Callees     map[string]Callee // by module, the gateway among them: it shows users all that they may do
	PublicHosts []string          // what the public listener is called in its certificate
}

// Callee is a module as the STS knows it: from its table of operations.
type Callee struct {
	Scopes  identity.Scopes // what its rows speak of
	Callers []string        // who may call it
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
	if err := o.Store.Write(ctx, func(tx database.Tx) error { return prepare(tx, o) }); err != nil {
		return nil, err
	}
	s := &Service{Options: o, hasher: NewHasher(), guesses: newGuesses(), refusals: sampled.New(o.Log, o.Now)}
	_, err := s.refresh(ctx) // what is wrong with the keys is told at the start
	return s, err
}

// prepare adds what is not there yet: the first keys, a row for every module, and the demo users.
func prepare(tx database.Tx, o Options) error {
	for _, p := range []purpose{tokens, certificates} {
		if err := ensureKey(tx, p, o.Domain, o.Now()); err != nil {
			return err
		}
	}
	for name := range o.Callees {
		if _, err := tx.Exec(`INSERT INTO workloads (name) VALUES ($1) ON CONFLICT DO NOTHING`, name); err != nil {
			return err
		}
	}
	if !o.Demo {
		return nil
	}
	return seedDemo(tx, o.Now())
}

// OperatorOptions are what operators need.
type OperatorOptions struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Demo     bool     // demo accounts are good
	Domain   string   // the trust domain
	Modules  []string // of the installation, as operators are told of them
}

// Operators implements [sts.Operators] on the database of the STS. It is safe for concurrent use.
type Operators struct {
	OperatorOptions
	hasher *Hasher
}

var _ sts.Operators = Operators{}

// NewOperators makes it.
func NewOperators(o OperatorOptions) Operators { return Operators{o, NewHasher()} }
