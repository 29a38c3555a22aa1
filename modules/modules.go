// Package modules is the map of the system: every module, whether it is hosted in this process or how it is reached,
// and how the modules are wired to each other. It is the only place that knows all of them.
package modules

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"oms/modules/gateway"
	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/order"
	orderhost "oms/modules/order/host"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/config"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/observe"
	"oms/platform/rpc"
)

// Stateful names the modules that own a database, in the order in which they are opened.
func Stateful() []string { return []string{"sts", "inventory", "order"} }

// System is what this process hosts, ready to be served.
type System struct {
	Edge    http.Handler // the public listener's handler; nil where the gateway is not hosted here
	Admin   http.Handler
	Reached []string // how each module is reached from here, a line each

	hosts     map[string]*rpc.Host
	databases []*database.DB
	checks    []observe.Check
	serving   atomic.Bool           // all parts have started, and none was told to stop
	relay     func(context.Context) // nil where the order module is not hosted here
}

// Open opens the databases of the hosted modules and wires everything. On an error nothing stays open.
func Open(ctx context.Context, c config.Config, log *slog.Logger) (_ *System, err error) {
	system := &System{hosts: map[string]*rpc.Host{}}
	system.checks = []observe.Check{{Name: "process", Ready: system.isServing}}
	defer func() {
		if err != nil {
			_ = system.close()
		}
	}()
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	recorder, err := observe.NewRecorder(log, metrics)
	if err != nil {
		return nil, err
	}
	edge, err := trustedAtEdge(c)
	if err != nil {
		return nil, err
	}
	stores, err := system.openDatabases(ctx, c, log)
	if err != nil {
		return nil, err
	}

	if store := stores["inventory"]; store != nil {
		system.hosts["inventory"], err = inventoryhost.New(ctx, inventoryhost.Options{
			Store: store, Observer: recorder, Now: time.Now, Products: demoProducts(c),
		})
		if err != nil {
			return nil, err
		}
	}
	if store := stores["order"]; store != nil {
		hosted, err := orderhost.New(ctx, orderhost.Options{
			Store: store, Inventory: inventory.Client{Conn: system.conn("inventory", "order")}, Observer: recorder, Now: time.Now, Log: log,
			PublicRead: c.Order.PublicRead, PendingTimeout: c.Order.PendingTimeout,
		})
		if err != nil {
			return nil, err
		}
		system.hosts["order"], system.relay = hosted.Host, hosted.Relay
	}
	var pages http.Handler
	if store := stores["sts"]; store != nil {
		hosted, err := stshost.New(ctx, stshost.Options{
			Store: store, Observer: recorder, Now: time.Now, Edge: edge, Demo: c.Demo.Enabled,
			Callees: map[string]identity.Scopes{"order": order.Operations.Scopes(), "inventory": inventory.Operations.Scopes()},
		})
		if err != nil {
			return nil, err
		}
		system.hosts["sts"], pages = hosted.Host, hosted.Pages
	}
	if c.Hosts(gateway.Name) {
		system.Edge, err = gateway.New(gateway.Options{
			Modules: []gateway.Module{
				{Name: "order", Conn: system.conn("order", gateway.Name), Operations: order.Operations.Operations()},
				{Name: "inventory", Conn: system.conn("inventory", gateway.Name), Operations: inventory.Operations.Operations()},
			},
			STS: sts.Client{Conn: system.conn("sts", gateway.Name)}, STSPages: pages,
			Edge: edge, Observer: recorder, Now: time.Now, Log: log,
		})
		if err != nil {
			return nil, err
		}
	}
	system.Reached = system.reached()
	system.Admin = observe.Admin(metrics, system.checks, system.Reached)
	return system, nil
}

// openDatabases opens the database of every hosted module that has one.
func (s *System) openDatabases(ctx context.Context, c config.Config, log *slog.Logger) (map[string]database.Store, error) {
	stores := map[string]database.Store{}
	for _, module := range Stateful() {
		if !c.Hosts(module) {
			continue
		}
		db, err := database.OpenServer(ctx, DatabaseOptions(c, module, log))
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", module, err)
		}
		s.databases = append(s.databases, db)
		s.checks = append(s.checks, observe.Check{Name: module + " database", Ready: answers(db)})
		stores[module] = db
	}
	return stores, nil
}

// conn reaches a module on behalf of another one.
func (s *System) conn(module, caller string) rpc.Conn {
	if host := s.hosts[module]; host != nil {
		return rpc.Local(host, caller)
	}
	return rpc.Unassigned(module)
}

func (s *System) reached() (lines []string) {
	for _, module := range Stateful() {
		how := "unassigned"
		if s.hosts[module] != nil {
			how = "in process"
		}
		lines = append(lines, fmt.Sprintf("%-9s  %s", module, how))
	}
	return lines
}
