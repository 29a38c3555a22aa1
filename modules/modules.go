// Package modules is the map of the system: every module, whether it is hosted in this process or how it is reached,
// and how the modules are wired to each other. It is the only place that knows all of them.
package modules

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"oms/modules/sts"
	"oms/platform/config"
	"oms/platform/database"
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

	config   config.Config
	log      *slog.Logger
	metrics  *prometheus.Registry
	recorder *observe.Recorder
	trusted  sts.Edge

	databases []*database.DB
	stores    map[string]database.Store // of the hosted modules, by name
	hosts     map[string]*rpc.Host
	stsPages  http.Handler          // nil where the STS is not hosted here
	relay     func(context.Context) // nil where the order module is not hosted here
	checks    []observe.Check
	serving   atomic.Bool // all parts have started, and none was told to stop
}

// Open opens the databases of the hosted modules and wires everything. On an error nothing stays open.
func Open(ctx context.Context, c config.Config, log *slog.Logger) (_ *System, err error) {
	s := &System{config: c, log: log, metrics: prometheus.NewRegistry(), stores: map[string]database.Store{}, hosts: map[string]*rpc.Host{}}
	s.checks = []observe.Check{{Name: "process", Ready: s.isServing}}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()
	if s.recorder, err = observe.NewRecorder(log, s.metrics); err != nil {
		return nil, err
	}
	if s.trusted, err = trustedAtEdge(c); err != nil {
		return nil, err
	}
	// A module comes after those that it calls.
	for _, step := range []func(context.Context) error{s.openDatabases, s.hostInventory, s.hostOrder, s.hostSTS, s.openGateway} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	for _, module := range Stateful() {
		s.Reached = append(s.Reached, fmt.Sprintf("%-9s  %s", module, s.how(module)))
	}
	s.Admin = observe.Admin(s.metrics, s.checks, s.Reached)
	return s, nil
}

// conn reaches a module on behalf of another one.
func (s *System) conn(module, caller string) rpc.Conn {
	if host := s.hosts[module]; host != nil {
		return rpc.Local(host, caller)
	}
	return rpc.Unassigned(module)
}

// how says how a module is reached from here.
func (s *System) how(module string) string {
	if s.hosts[module] != nil {
		return "in process"
	}
	return "unassigned"
}
