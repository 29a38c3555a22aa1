// Package internal holds the users and the keys of the STS, how it authenticates users, and what it issues to workloads.
package internal

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"oms/modules/sts"
	"oms/platform/config"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/module"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
)

// Settings are the module's part of the configuration, under its name.
type Settings struct {
	// AccessTokenTTL is the lifetime of an access token (1s to 24h). It is also how long a withdrawn right can outlive
	// its withdrawal where nobody asks about revocation.
	AccessTokenTTL time.Duration `koanf:"access_token_ttl"`

	// SessionTTL is how long somebody stays signed in to the user interface (1s to 720h).
	SessionTTL time.Duration `koanf:"session_ttl"`

	// InternalTokenTTL is the lifetime of a token that lets one module call another one for a user (1s to 1h).
	InternalTokenTTL time.Duration `koanf:"internal_token_ttl"`

	// TransactionTokenTTL is the lifetime of a token for a user in one transaction (15s to 1m).
	TransactionTokenTTL time.Duration `koanf:"transaction_token_ttl"`

	// WorkloadTokenTTL is the lifetime of a token with which a module speaks for itself (1s to 24h).
	WorkloadTokenTTL time.Duration `koanf:"workload_token_ttl"`

	// SigningKeyAnnouncement is how long a new signing key is published before it signs (1s to 24h), so that everyone
	// who verifies has it by then.
	SigningKeyAnnouncement time.Duration `koanf:"signing_key_announcement"`

	// SigningKeyOverlap is how long a replaced signing key still verifies after the new one signs (1s to 720h).
	SigningKeyOverlap time.Duration `koanf:"signing_key_overlap"`

	// KeyEncryptionKeyFile is a file of the operator's, for its owner alone: the keys of the STS and the roots are encrypted
	// in its database under the key in the first line (256 bits in base64). A second line is the key that it replaces. Empty,
	// they are not encrypted.
	KeyEncryptionKeyFile string `koanf:"key_encryption_key_file" kind:"path"`
}

// DefaultSettings are those of a module that is told nothing.
func DefaultSettings() *Settings {
	return &Settings{
		AccessTokenTTL:         5 * time.Minute,
		SessionTTL:             12 * time.Hour,
		InternalTokenTTL:       2 * time.Minute,
		TransactionTokenTTL:    30 * time.Second,
		WorkloadTokenTTL:       time.Hour,
		SigningKeyAnnouncement: 10 * time.Minute,
		SigningKeyOverlap:      issuers.MaxOwnLifetime, // the longest access_token_ttl that can be written
	}
}

// shortestTransaction is the shortest life of a transaction token: that of one request, with what it waits for.
const shortestTransaction = 15 * time.Second

// Problems is everything about the values that cannot stay.
func (s Settings) Problems() []config.Problem {
	return slices.Concat(
		config.Between("access_token_ttl", s.AccessTokenTTL, issuers.MaxOwnLifetime),
		config.Between("session_ttl", s.SessionTTL, 30*24*time.Hour),
		config.Between("internal_token_ttl", s.InternalTokenTTL, time.Hour),
		config.Within("transaction_token_ttl", s.TransactionTokenTTL, shortestTransaction, time.Minute),
		config.Between("workload_token_ttl", s.WorkloadTokenTTL, 24*time.Hour),
		config.Between("signing_key_announcement", s.SigningKeyAnnouncement, 24*time.Hour),
		config.Between("signing_key_overlap", s.SigningKeyOverlap, 30*24*time.Hour),
	)
}

// Options are what the service needs.
type Options struct {
	module.Env
	Settings
	Callees map[string]Callee // by module, the gateway among them: it shows users all that they may do
}

// Callee is a module as the STS knows it: from its table of operations.
type Callee struct {
	Scopes  identity.Scopes // what its rows speak of
	Callers []string        // who may call it
}

// Service implements [sts.Service] on its own database. It is safe for concurrent use.
type Service struct {
	Options
	keys     keyStore
	hasher   *Hasher
	current  atomic.Pointer[state]
	reading  sync.Mutex // one reads the state for all
	guesses  *guesses
	refusals *sampled.Log // of certificates, which anonymous callers ask for
	failures *sampled.Log // of sign-ins
}

var _ sts.Service = (*Service)(nil)

// New makes the service, and at the first start its signing key and the roots. Roots that are not for what they should be
// for are replaced, and all keys are encrypted as the configuration says.
func New(ctx context.Context, o Options) (*Service, error) {
	keys, err := openKeyStore(o.Domain, o.PublicHosts, o.KeyEncryptionKeyFile)
	if err != nil {
		return nil, err
	}
	done, err := database.Write(ctx, o.Store, func(tx database.Tx) (prepared, error) { return prepare(tx, o, keys) })
	if err != nil {
		return nil, err
	}
	s := &Service{Options: o, keys: keys, hasher: NewHasher(), guesses: newGuesses(), refusals: sampled.New(o.Log, o.Now), failures: sampled.New(o.Log, o.Now)}
	if done.encrypted > 0 {
		s.Log.InfoContext(ctx, "the keys in the database are encrypted with another key than before", "keys", done.encrypted, "key_encryption_key", keys.ring.Current())
	}
	for _, root := range done.replaced {
		s.logReplaced(ctx, root)
	}
	_, err = s.refresh(ctx) // what is wrong with the keys is told at the start
	return s, err
}

// prepared is what a start has changed.
type prepared struct {
	encrypted int              // keys that are encrypted with another key than before, or for the first time
	replaced  []sts.SigningKey // roots that are to replace others
}

// prepare encrypts keys as they should be, and adds what is not there yet: the first keys, a row for every module, and the
// demo users.
func prepare(tx database.Tx, o Options, keys keyStore) (done prepared, err error) {
	if done.encrypted, err = keys.encryptAll(tx); err != nil {
		return done, err
	}
	if err := keys.ensureSigningKey(tx, o.Now()); err != nil {
		return done, err
	}
	if done.replaced, err = keys.ensureRoots(tx, sts.RotateRequest{Announcement: o.RootAnnouncement, Overlap: o.RootOverlap}, o.Now()); err != nil {
		return done, err
	}
	for name := range o.Callees {
		if _, err := tx.Exec(`INSERT INTO workloads (name) VALUES ($1) ON CONFLICT DO NOTHING`, name); err != nil {
			return done, err
		}
	}
	if !o.Demo {
		return done, nil
	}
	return done, seedDemo(tx, o.Now())
}

// OperatorOptions are what operators need.
type OperatorOptions struct {
	Store       database.Store
	Observer    rpc.Observer
	Now         func() time.Time
	Demo        bool     // demo accounts are good
	Domain      string   // the trust domain
	PublicHosts []string // what the public listener is called
	Modules     []string // of the installation, as operators are told of them

	Scopes identity.Scopes // of the installation: what users can have; nil is anything

	KeyEncryptionKeyFile string // as in [Settings]
}

// keys are what it takes to read and make keys. The file is read when that is needed, since most of what operators do is not
// about keys.
func (o OperatorOptions) keys() (keyStore, error) {
	return openKeyStore(o.Domain, o.PublicHosts, o.KeyEncryptionKeyFile)
}

// Operators implements [sts.Operators] on the database of the STS. It is safe for concurrent use.
type Operators struct {
	OperatorOptions
	hasher *Hasher
}

var _ sts.Operators = Operators{}

// NewOperators makes it.
func NewOperators(o OperatorOptions) Operators { return Operators{o, NewHasher()} }
