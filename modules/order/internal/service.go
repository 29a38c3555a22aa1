// Package internal holds the rules and the storage of orders, and the protocol that keeps them in step with the
// stock.
//
// Every change of an order that inventory has to hear of leaves a message in the outbox, in the same transaction. A
// message is settled by asking inventory and then recording its definite answer, on the condition that the message is
// still the same: so it does not matter who settles it, how often, or after how many crashes. The request that wrote
// a message settles it at once; the relay settles what is left.
package internal

import (
	"slices"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/config"
	"oms/platform/module"
)

// Settings are the module's part of the configuration, under its name.
type Settings struct {
	// PublicRead lets anyone read one order by its id; then only id, name and items are shown.
	PublicRead bool `koanf:"public_read"`

	// PendingTimeout is how long an order may stay pending before it is given up (1s to 168h).
	PendingTimeout time.Duration `koanf:"pending_timeout"`

	// MaxLive is how many live orders one owner can have (1 to 1000000000).
	MaxLive int64 `koanf:"max_live"`

	Retention Retention `koanf:"retention"`
}

// DefaultSettings are those of a module that is told nothing.
func DefaultSettings() *Settings {
	return &Settings{
		PublicRead: true, PendingTimeout: 15 * time.Minute, MaxLive: 100_000,
		Retention: Retention{Ended: 90 * 24 * time.Hour, Answers: shortestAnswers},
	}
}

// Problems is everything about the values that cannot stay.
func (s Settings) Problems() []config.Problem {
	return slices.Concat(
		config.Between("pending_timeout", s.PendingTimeout, 7*24*time.Hour),
		config.WithinNumber("max_live", s.MaxLive, 1, 1_000_000_000),
		config.Under("retention", s.Retention.Problems()),
	)
}

// Options are what the module needs. Its clock alone decides an expiry.
type Options struct {
	module.Env
	Settings
}

// Service implements [order.Service] on its own database. It is safe for concurrent use.
type Service struct {
	Options
	inventory inventory.Service
	wake      chan struct{} // tells the relay that a message is due
}

var _ order.Service = (*Service)(nil)

// New makes the service. Its relay is started with [Service.Relay].
func New(o Options) *Service {
	return &Service{o, inventory.Client{Conn: o.Conn("inventory")}, make(chan struct{}, 1)}
}
