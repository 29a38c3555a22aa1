// Package internal holds the rules and the storage of orders, and the protocol that keeps them in step with the
// stock.
//
// Every change of an order that inventory has to hear of leaves a message in the outbox, in the same transaction. A
// message is settled by asking inventory and then recording its definite answer, on the condition that the message is
// still the same: so it does not matter who settles it, how often, or after how many crashes. The request that wrote
// a message settles it at once; the relay settles what is left.
package internal

import (
	"log/slog"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/rpc"
)

// Options are what the module needs.
type Options struct {
	Store          database.Store
	Conn           func(module string) rpc.Conn // reaches other modules
	Observer       rpc.Observer                 // of the calls that the module's host serves
	Now            func() time.Time             // the only clock that decides an expiry
	Log            *slog.Logger
	PublicRead     bool          // anyone may read a confirmed order by its id
	PendingTimeout time.Duration // how long an order may stay pending before it is given up
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
