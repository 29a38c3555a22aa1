// Package host builds the order module in this process.
package host

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/migrations"
	"oms/modules/order"
	"oms/modules/order/internal"
	"oms/platform/module"
	"oms/platform/observe"
	"oms/platform/rpc"
)

// Module is the order module.
var Module = module.Module{
	Name:       "order",
	URL:        "https://localhost:9092",
	Tables:     []module.Table{order.Operations},
	Migrations: migrations.For("order"),
	Settings:   func() any { return internal.DefaultSettings() },
	Open:       open,
}

func open(ctx context.Context, env module.Env) (module.Hosted, error) {
	orders, err := New(ctx, Options{Env: env, Settings: *env.Settings.(*Settings)})
	if err != nil {
		return module.Hosted{}, err
	}
	pruner := orders.Pruner()
	return module.Hosted{
		Host:       orders.Host,
		Background: []module.Background{{Name: "order relay", Run: orders.Relay}, {Name: "order retention", Run: pruner.Run}},
		Collectors: []prometheus.Collector{outbox(orders), pruner.Collector()},
	}, nil
}

// outbox measures what inventory has not been told yet.
func outbox(orders *Hosted) *observe.Sampled {
	return observe.NewSampled("oms_outbox_messages", "Messages to inventory: waiting for an answer, or dead until the next start.", "state",
		func() (map[string]float64, error) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape is not worth more
			defer cancel()
			backlog, err := orders.Backlog(ctx)
			return map[string]float64{"waiting": float64(backlog.Waiting), "dead": float64(backlog.Dead)}, err
		})
}

type (
	// Settings are the module's part of the configuration, under its name.
	Settings = internal.Settings
	// Retention says how long what is over is kept.
	Retention = internal.Retention
	// Options are what the module needs.
	Options = internal.Options
	// Backlog is how much inventory has not been told yet.
	Backlog = internal.Backlog
)

// DefaultSettings are those of a module that is told nothing.
func DefaultSettings() *Settings { return internal.DefaultSettings() }

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
