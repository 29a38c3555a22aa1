package system

import (
	"context"
	"net/url"
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
	settings := SettingsOf[orderhost.Settings](s.config, "order")
	hosted, err := orderhost.New(ctx, orderhost.Options{
		Store: store, Inventory: inventory.Client{Conn: s.conn("inventory", "order")}, Observer: s.recorder, Now: time.Now, Log: s.log,
		PublicRead: settings.PublicRead, PendingTimeout: settings.PendingTimeout,
	})
	if err != nil {
		return err
	}
	s.hosts["order"], s.relay = hosted.Host, hosted.Relay
	return s.metrics.Register(outbox(hosted))
}

// outbox measures what inventory has not been told yet.
func outbox(orders *orderhost.Hosted) *observe.Sampled {
	return observe.NewSampled("oms_outbox_messages", "Messages to inventory: waiting for an answer, or dead until the next start.", "state",
		func() (map[string]float64, error) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second) // a scrape is not worth more
			defer cancel()
			backlog, err := orders.Backlog(ctx)
			return map[string]float64{"waiting": float64(backlog.Waiting), "dead": float64(backlog.Dead)}, err
		})
}

// hostSTS hosts the STS, if it is one of ours.
func (s *System) hostSTS(ctx context.Context) (err error) {
	store := s.stores["sts"]
	if store == nil {
		return nil
	}
	c, settings := s.config, SettingsOf[stshost.Settings](s.config, "sts")
	hosts, err := publicHosts(c.Server.PublicURL)
	if err != nil {
		return err
	}
	s.sts, err = stshost.New(ctx, stshost.Options{
		Store: store, Observer: s.recorder, Now: time.Now, Log: s.log, Edge: s.trusted, Domain: c.Trust.Domain, Callees: Callees(), Demo: c.Demo.Enabled,
		PublicHosts: hosts, JoinDir: joinDir(c), Left: s.others(),
		SessionTTL: settings.SessionTTL, InternalTTL: settings.InternalTokenTTL, TransactionTTL: settings.TransactionTokenTTL, WorkloadTTL: settings.WorkloadTokenTTL, CertificateTTL: c.Trust.CertificateTTL,
	})
	if err == nil {
		s.hosts["sts"] = s.sts.Host
	}
	return err
}

// publicHosts are the names in the certificate of the public listener: those of its URL, and of this machine to itself.
func publicHosts(publicURL string) ([]string, error) {
	public, err := url.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	return []string{public.Hostname(), "localhost", "127.0.0.1", "::1"}, nil
}

// others are the modules that other processes host.
func (s *System) others() (others []string) {
	for name := range Callees() {
		if !s.config.Hosts(name) {
			others = append(others, name)
		}
	}
	return others
}

// Callees are the modules as the STS knows them, from their tables: the scopes that their operations speak of, and who
// may call. The gateway shows users all that they may do.
func Callees() map[string]stshost.Callee {
	orders, stock := order.Operations.Scopes(), inventory.Operations.Scopes()
	return map[string]stshost.Callee{
		"order":      {Scopes: orders, Callers: order.Operations.Callers()},
		"inventory":  {Scopes: stock, Callers: inventory.Operations.Callers()},
		"sts":        {Scopes: sts.Operations.Scopes(), Callers: sts.Operations.Callers()},
		gateway.Name: {Scopes: identity.NewScopes(slices.Concat(orders, stock)...), Callers: []string{gateway.Name}},
	}
}

// openGateway makes the public door, if it is here.
func (s *System) openGateway(context.Context) error {
	if !s.config.Hosts(gateway.Name) {
		return nil
	}
	pages, err := s.pages()
	if err != nil {
		return err
	}
	s.Edge, err = gateway.New(gateway.Options{
		Modules: []gateway.Backend{
			{Name: "order", Conn: s.conn("order", gateway.Name), Operations: order.Operations.Operations()},
			{Name: "inventory", Conn: s.conn("inventory", gateway.Name), Operations: inventory.Operations.Operations()},
		},
		Users: s.trust.profile, Keys: s.trust.keys, Pages: pages,
		PublicURL: s.config.Server.PublicURL, Edge: s.trusted, Observer: s.recorder, Now: time.Now, Log: s.log,
	})
	return err
}
