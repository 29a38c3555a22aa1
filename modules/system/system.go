// Package system is the map of the system: every module, whether it is hosted in this process or how it is reached,
// and how the modules are wired to each other. It is the only place that knows all of them.
package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/forwarded"
	"oms/platform/issuers"
	"oms/platform/limits"
	"oms/platform/module"
	"oms/platform/observe"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// System is what this process hosts, ready to be served.
type System struct {
	Edge    http.Handler // the public listener's handler; nil where the gateway is not hosted here
	Admin   http.Handler
	Reached []string // how each module is reached from here, a line each

	certificate *pki.ServerCertificate // the operator's for the public listener; nil is one that the STS issues

	config   Config
	options  Options
	log      *slog.Logger
	metrics  *prometheus.Registry
	recorder *observe.Recorder
	trusted  issuers.Accepted
	proxies  forwarded.Networks
	budget   *limits.Budget
	trust    trustState

	databases map[string]*sqlite.DB // of the hosted modules, by name
	hosted    map[string]module.Hosted
	checks    []observe.Check

	mu    sync.Mutex
	links map[string]link // by caller and callee

	serving atomic.Bool // all parts have started, and none was told to stop
}

// Options are what the command line says and the configuration does not.
type Options struct {
	JoinTokenFile string                 // the join tokens of the modules of this process; "": where the STS leaves them
	Collectors    []prometheus.Collector // further metrics of the process
}

// Open opens the databases of the hosted modules and wires everything. On an error nothing stays open.
func Open(ctx context.Context, c Config, o Options, log *slog.Logger) (_ *System, err error) {
	if err := module.Check(c.modules); err != nil {
		return nil, err
	}
	s := &System{
		config: c, options: o, log: log, metrics: prometheus.NewRegistry(),
		budget:    limits.NewBudget(int64(c.Server.Limits.Memory), c.Server.Limits.Requests),
		databases: map[string]*sqlite.DB{}, hosted: map[string]module.Hosted{}, links: map[string]link{},
	}
	if c.demoRemote() {
		log.Warn("the demo accounts, whose passwords are public, can be used from elsewhere; set demo.enabled to false before anybody relies on this system", "because", c.remote())
	}
	s.checks = []observe.Check{{Name: "process", Ready: s.isServing}}
	s.metrics.MustRegister(observe.NewSampled("oms_budget_used", "What requests under way hold: bytes, and their number.", "of", s.budgetUsed))
	s.metrics.MustRegister(o.Collectors...)
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			_ = s.close()
		}
	}()
	if s.recorder, err = observe.NewRecorder(log, s.metrics); err != nil {
		return nil, err
	}
	if s.trusted, err = issuers.Open(c.PublicURL(), c.Trust.Issuers); err != nil {
		return nil, fmt.Errorf("trust.issuers, %w", err)
	}
	if s.proxies, err = forwarded.ParseNetworks(c.Server.TrustedProxies); err != nil {
		return nil, fmt.Errorf("server.trusted_proxies: %w", err)
	}
	if err := s.openDatabases(ctx); err != nil {
		return nil, err
	}
	if err := s.openTrust(); err != nil {
		return nil, err
	}
	if err := s.metrics.Register(s.feedAge()); err != nil {
		return nil, err
	}
	if err := s.openModules(ctx); err != nil {
		return nil, err
	}
	s.Edge = s.hosted[c.publicName()].Public
	if err := s.loadCertificate(); err != nil {
		return nil, err
	}
	names, width := c.callees(), 0
	for _, name := range names {
		width = max(width, len(name))
	}
	for _, name := range names {
		s.Reached = append(s.Reached, fmt.Sprintf("%-*s  %s", width, name, s.describe(name)))
	}
	s.Admin = observe.Admin(s.metrics, s.checks, s.verbose)
	return s, nil
}

// budgetUsed is a metric of the budget.
func (s *System) budgetUsed() (map[string]float64, error) {
	bytes, requests := s.budget.Used()
	return map[string]float64{"bytes": float64(bytes), "requests": float64(requests)}, nil
}

// DatabaseOptions says where a module's database is and what its schema is.
func DatabaseOptions(c Config, module string, log *slog.Logger) sqlite.Options {
	m := c.module(module)
	return sqlite.Options{Path: databasePath(c, module), Owner: module, Migrations: m.Migrations, Erase: m.Secrets, MinFree: int64(c.Database.MinFree), Log: log}
}

// databasePath is where a module's database is.
func databasePath(c Config, module string) string { return filepath.Join(c.DataDir, module+".db") }

// openDatabases opens the database of every hosted module that has one.
func (s *System) openDatabases(ctx context.Context) error {
	for _, module := range s.config.Stateful() {
		db, err := sqlite.OpenServer(ctx, DatabaseOptions(s.config, module, s.log))
		if err != nil {
			return fmt.Errorf("module %s: %w", module, err)
		}
		s.databases[module] = db
		s.checks = append(s.checks, observe.Check{Name: module + " database", Lacks: nothingStored(db), Ready: func(ctx context.Context) error {
			return db.Read(ctx, func(tx database.Tx) error { // what takes no time, and asks nobody else
				var one int
				return tx.QueryRow(`SELECT 1`).Scan(&one)
			})
		}})
	}
	return s.metrics.Register(s.diskFree())
}

// nothingStored says why nothing can be stored in a database at the moment, while that is so.
func nothingStored(db *sqlite.DB) func() error {
	return func() error {
		if why := db.Failing(); why != nil {
			return fmt.Errorf("nothing can be stored, and reading goes on: %w", why)
		}
		return nil
	}
}

// close closes the databases. What was queued is committed first.
func (s *System) close() error {
	var problems []error
	for _, db := range s.databases {
		problems = append(problems, db.Close())
	}
	return errors.Join(problems...)
}

// openModules opens the modules of this process, in any order: whom they call is found at the first call.
func (s *System) openModules(ctx context.Context) error {
	env := module.Env{
		Observer: s.recorder, Now: time.Now, Log: s.log, Installation: s.config.installation(),
		Edge: module.Edge{
			Accepted: s.trusted, Proxies: s.proxies, Origins: s.config.Server.CORS.Origins, Rates: limits.NewRates(s.config.Server.Limits.Rates, time.Now), Budget: s.budget,
			Keys: s.trust.keys, Revoked: s.trust.revocations.RevokedAtTheEdge, Users: s.trust.profile, PagesOf: s.pagesOf,
		},
	}
	var problems []error // what modules want to call and cannot
	for _, m := range s.config.modules {
		if !s.config.Hosts(m.Name) {
			continue
		}
		opening := true
		env.Settings, env.Store = s.config.Settings[m.Name], nil
		if db := s.databases[m.Name]; db != nil {
			env.Store = db
		}
		env.Conn = func(callee string) rpc.Conn {
			if opening {
				problems = append(problems, module.CheckCall(s.config.modules, m.Name, callee))
			}
			return deferredConn(sync.OnceValue(func() rpc.Conn { return s.reach(callee, m.Name) }))
		}
		hosted, err := m.Open(ctx, env)
		if err != nil {
			return err
		}
		opening = false
		s.hosted[m.Name] = hosted
		for _, collector := range hosted.Collectors {
			if err := s.metrics.Register(collector); err != nil {
				return err
			}
		}
	}
	return errors.Join(problems...)
}

// demoRemote reports whether others than this machine can use the demo accounts.
func (c Config) demoRemote() bool { return c.Demo.Enabled && len(c.remote()) > 0 }

// installation is what all modules are told.
func (c Config) installation() module.Installation {
	return module.Installation{
		Modules: c.modules, Elsewhere: slices.DeleteFunc(c.names(), c.Hosts), Domain: c.Trust.Domain, PublicURL: c.PublicURL(),
		PublicHosts: c.PublicHosts(), DataDir: c.DataDir, Demo: c.Demo.Enabled, DemoRemote: c.demoRemote(),
		CertificateTTL: c.Trust.CertificateTTL, RootAnnouncement: c.Trust.RootAnnouncement, RootOverlap: c.Trust.RootOverlap,
	}
}

// pagesOf are the pages of a module for the public one, wherever they are.
func (s *System) pagesOf(name string) module.Pages {
	if s.config.Hosts(name) {
		return module.Pages{Here: func(page module.Page) http.Handler {
			handler := sync.OnceValue(func() http.Handler { return s.hosted[name].Page(page) }) // it may be opened later
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler().ServeHTTP(w, r) })
		}}
	}
	at, err := url.Parse(s.config.Module(name).URL) // [Load] has refused a bad one
	if err != nil || at.Host == "" {
		return module.Pages{}
	}
	return module.Pages{At: at, Via: s.reach(name, s.config.publicName()).transport}
}

// deferredConn finds its callee at the first call, when all modules are open.
type deferredConn func() rpc.Conn

// Invoke implements [rpc.Conn].
func (c deferredConn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	return c().Invoke(ctx, op, request, response)
}
