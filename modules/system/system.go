// Package system is the map of the system: every module, whether it is hosted in this process or how it is reached,
// and how the modules are wired to each other. It is the only place that knows all of them.
package system

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	stshost "oms/modules/sts/host"
	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/httprpc"
	"oms/platform/issuers"
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

	config   Config
	options  Options
	log      *slog.Logger
	metrics  *prometheus.Registry
	recorder *observe.Recorder
	trusted  issuers.Accepted
	trust    trusting

	databases []*sqlite.DB
	stores    map[string]database.Store // of the hosted modules, by name
	hosts     map[string]*rpc.Host
	sts       *stshost.Hosted       // nil where the STS is not hosted here
	relay     func(context.Context) // nil where the order module is not hosted here
	checks    []observe.Check

	ways       sync.Mutex
	transports map[string]*httprpc.Transport // by caller and callee
	remotes    map[string]rpc.Conn           // to other processes, by caller and callee
	stranger   stranger

	serving atomic.Bool // all parts have started, and none was told to stop
}

// Options are what the command line says and the configuration does not.
type Options struct {
	JoinTokenFile string // the join tokens of the modules of this process; "": where the STS leaves them
}

// Open opens the databases of the hosted modules and wires everything. On an error nothing stays open.
func Open(ctx context.Context, c Config, o Options, log *slog.Logger) (_ *System, err error) {
	s := &System{config: c, options: o, log: log, metrics: prometheus.NewRegistry(), stores: map[string]database.Store{}, hosts: map[string]*rpc.Host{}, transports: map[string]*httprpc.Transport{}, remotes: map[string]rpc.Conn{}}
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
	if s.trusted, err = issuers.Open(c.Server.PublicURL, c.Trust.Issuers); err != nil {
		return nil, fmt.Errorf("trust.issuers, %w", err)
	}
	// A module comes after those that it calls.
	for _, step := range []func(context.Context) error{s.openDatabases, s.openTrust, s.hostInventory, s.hostOrder, s.hostSTS, s.openGateway} {
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
