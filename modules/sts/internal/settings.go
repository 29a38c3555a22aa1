package internal

import (
	"slices"
	"time"

	"oms/platform/config"
	"oms/platform/issuers"
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
