package modules

import (
	"context"
	"slices"
	"time"

	"oms/modules/gateway"
	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/order"
	orderhost "oms/modules/order/host"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/identity"
	"oms/platform/observe"
)

// hostInventory hosts the inventory, if it is one of ours.
func (s *System) hostInventory(ctx context.Context) (err error) {
	store := s.stores["inventory"]
	if store == nil {
		return nil
	}
	s.hosts["inventory"], err = inventoryhost.New(ctx, inventoryhost.Options{
		Store: store, Observer: s.recorder, Now: time.Now, Products: demoProducts(s.config),
	})
	return err
}

// hostOrder hosts the order module, if it is one of ours.
func (s *System) hostOrder(ctx context.Context) error {
	store := s.stores["order"]
	if store == nil {
		return nil
	}
	hosted, err := orderhost.New(ctx, orderhost.Options{
		Store: store, Inventory: inventory.Client{Conn: s.conn("inventory", "order")}, Observer: s.recorder, Now: time.Now, Log: s.log,
		PublicRead: s.config.Order.PublicRead, PendingTimeout: s.config.Order.PendingTimeout,
	})
	if err != nil {
		return err
	}
	s.hosts["order"], s.relay = hosted.Host, hosted.Relay
	return s.metrics.Register(outbox(hosted))
}

// outbox measures what inventory has not been told yet.
func outbox(orders *orderhost.Module) *observe.Sampled {
	return observe.NewSampled("oms_outbox_messages", "Messages to inventory: waiting for an answer, or dead until the next start.", "state",
		func() (map[string]float64, error) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape is not worth more
			defer cancel()
			backlog, err := orders.Backlog(ctx)
			return map[string]float64{"waiting": float64(backlog.Waiting), "dead": float64(backlog.Dead)}, err
		})
}

// hostSTS hosts the STS, if it is one of ours.
func (s *System) hostSTS(ctx context.Context) error {
	store := s.stores["sts"]
	if store == nil {
		return nil
	}
	hosted, err := stshost.New(ctx, stshost.Options{
		Store: store, Observer: s.recorder, Now: time.Now, Edge: s.trusted, Demo: s.config.Demo.Enabled,
		Callees: callees(), SessionTTL: s.config.STS.SessionTTL,
	})
	if err != nil {
		return err
	}
	s.hosts["sts"], s.stsPages = hosted.Host, hosted.Pages
	return nil
}

// callees are the scopes that each module's operations speak of; the gateway shows users all that they may do.
func callees() map[string]identity.Scopes {
	orders, stock := order.Operations.Scopes(), inventory.Operations.Scopes()
	return map[string]identity.Scopes{
		"order": orders, "inventory": stock, gateway.Name: identity.NewScopes(slices.Concat(orders, stock)...),
	}
}

// openGateway makes the public door, if it is here.
func (s *System) openGateway(context.Context) (err error) {
	if !s.config.Hosts(gateway.Name) {
		return nil
	}
	s.Edge, err = gateway.New(gateway.Options{
		Modules: []gateway.Module{
			{Name: "order", Conn: s.conn("order", gateway.Name), Operations: order.Operations.Operations()},
			{Name: "inventory", Conn: s.conn("inventory", gateway.Name), Operations: inventory.Operations.Operations()},
		},
		STS: sts.Client{Conn: s.conn("sts", gateway.Name)}, STSPages: s.stsPages,
		PublicURL: s.config.Server.PublicURL, Edge: s.trusted, Observer: s.recorder, Now: time.Now, Log: s.log,
	})
	return err
}
