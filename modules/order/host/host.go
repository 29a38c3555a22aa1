// Package host builds the order module in this process.
package host

import (
	"context"
	"log/slog"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/order/internal"
	"oms/platform/database"
	"oms/platform/rpc"
)

// Options are what the module needs.
type Options struct {
	Store          database.Store
	Inventory      inventory.Service
	Observer       rpc.Observer
	Now            func() time.Time
	Log            *slog.Logger
	PublicRead     bool
	PendingTimeout time.Duration
}

// Hosted is the hosted module. Its relay must run for orders to survive what inventory did not answer.
type Hosted struct {
	*rpc.Host
	service *internal.Service
}

// New hosts the module and makes due what an earlier process has left in the outbox.
func New(ctx context.Context, o Options) (*Hosted, error) {
	service := internal.New(internal.Options{
		Store: o.Store, Inventory: o.Inventory, Now: o.Now, Log: o.Log, PublicRead: o.PublicRead, PendingTimeout: o.PendingTimeout,
	})
	host, err := rpc.NewHost[order.Service]("order", order.Operations, service, o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return &Hosted{host, service}, service.Recover(ctx)
}

// SettleDue settles messages of the outbox that are due now, each once, and says whether there may be more of them.
func (m *Hosted) SettleDue(ctx context.Context) (more bool, err error) {
	return m.service.SettleDue(ctx)
}

// Backlog is how much inventory has not been told yet.
type Backlog = internal.Backlog

// Backlog counts what is in the outbox.
func (m *Hosted) Backlog(ctx context.Context) (Backlog, error) { return m.service.Backlog(ctx) }

// Relay settles what is in the outbox, until ctx ends.
func (m *Hosted) Relay(ctx context.Context) { m.service.Relay(ctx) }
