package host

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/migrations"
	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/module"
	"oms/platform/observe"
)

// Module is the order module.
var Module = module.Module{
	Name:       "order",
	URL:        "https://localhost:9092",
	Tables:     []module.Table{order.Operations},
	Migrations: migrations.For("order"),
	Settings:   func() any { return DefaultSettings() },
	Open:       open,
}

func open(ctx context.Context, env module.Env) (module.Hosted, error) {
	settings := env.Settings.(*Settings)
	orders, err := New(ctx, Options{
		Store: env.Store, Inventory: inventory.Client{Conn: env.Conn("inventory")}, Observer: env.Observer, Now: env.Now, Log: env.Log,
		PublicRead: settings.PublicRead, PendingTimeout: settings.PendingTimeout,
	})
	if err != nil {
		return module.Hosted{}, err
	}
	return module.Hosted{
		Host:       orders.Host,
		Background: []module.Background{{Name: "order relay", Run: orders.Relay}},
		Collectors: []prometheus.Collector{outbox(orders)},
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
