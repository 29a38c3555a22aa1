// Package host builds the order module in this process.
package host

import (
	"context"

	"oms/modules/order"
	"oms/modules/order/internal"
	"oms/platform/rpc"
)

type (
	// Options are what the module needs.
	Options = internal.Options
	// Backlog is how much inventory has not been told yet.
	Backlog = internal.Backlog
)

// Hosted is the hosted module. Calls go to the host; the service's Relay must run for orders to survive what inventory
// did not answer.
type Hosted struct {
	*rpc.Host
	*internal.Service
}

// New hosts the module and makes due what an earlier process has left in the outbox.
func New(ctx context.Context, o Options) (*Hosted, error) {
	service := internal.New(o)
	host, err := rpc.NewHost[order.Service]("order", order.Operations, service, o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return &Hosted{host, service}, service.Recover(ctx)
}
