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

	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/httprpc"
	"oms/platform/issuers"
	"oms/platform/module"
	"oms/platform/observe"
	"oms/platform/rpc"
)

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
	trust    trustState

	databases []*sqlite.DB
	stores    map[string]database.Store // of the hosted modules, by name
	hosted    map[string]module.Hosted
	checks    []observe.Check

	mu        sync.Mutex
	conns     map[string]rpc.Conn // by caller and callee
	anonymous anonymous

	transportsMu sync.Mutex
	transports   map[string]*httprpc.Transport // to other processes, by caller and callee

	serving atomic.Bool // all parts have started, and none was told to stop
}

// Options are what the command line says and the configuration does not.
type Options struct {
	JoinTokenFile string // the join tokens of the modules of this process; "": where the STS leaves them
}

// Open opens the databases of the hosted modules and wires everything. On an error nothing stays open.
func Open(ctx context.Context, c Config, o Options, log *slog.Logger) (_ *System, err error) {
	s := &System{
		config: c, options: o, log: log, metrics: prometheus.NewRegistry(), stores: map[string]database.Store{}, hosted: map[string]module.Hosted{},
		conns: map[string]rpc.Conn{}, transports: map[string]*httprpc.Transport{},
	}
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
	for _, step := range []func(context.Context) error{s.checkModules, s.openDatabases, s.openTrust, s.openModules} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	s.Edge = s.hosted[c.publicName()].Public
	names, width := c.callees(), 0
	for _, name := range names {
		width = max(width, len(name))
	}
	for _, name := range names {
		s.Reached = append(s.Reached, fmt.Sprintf("%-*s  %s", width, name, s.describe(name)))
	}
	s.Admin = observe.Admin(s.metrics, s.checks, s.Reached)
	return s, nil
}
