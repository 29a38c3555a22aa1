// Package host builds the STS module in this process, and what operators do with it.
package host

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"oms/modules/sts"
	"oms/modules/sts/internal"
	"oms/platform/database"
	"oms/platform/issuers"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/trust/direct"
)

// Options are what the module needs.
type Options struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Log      *slog.Logger
	Edge     issuers.Accepted
	Domain   string            // the trust domain
	Callees  map[string]Callee // by module, from its operation table; the gateway among them
	Demo     bool              // seed the demo users, and let demo accounts in

	PublicHosts []string // what the public listener is called in its certificate

	JoinDir string   // where join tokens lie for other processes of this machine
	Left    []string // the workloads for which one lies there

	SessionTTL     time.Duration // how long a session of the user interface lasts
	InternalTTL    time.Duration // of a token for one user at one callee
	TransactionTTL time.Duration // of a token for one user in one transaction
	WorkloadTTL    time.Duration // of a token that only says who a workload is
	CertificateTTL time.Duration // of a workload's certificate
}

// Callee is a module as the STS knows it.
type Callee = internal.Callee

// Hosted is the hosted module.
type Hosted struct {
	*rpc.Host
	service *internal.Service
	files   internal.JoinTokenFiles
	log     *slog.Logger
}

// New hosts the module. At the first start it makes the signing key and the private root.
func New(ctx context.Context, o Options) (*Hosted, error) {
	hasher := internal.NewHasher()
	if o.Demo {
		if err := internal.SeedDemo(ctx, o.Store, o.Now()); err != nil {
			return nil, err
		}
	}
	service, err := internal.New(ctx, internal.Options{
		Store: o.Store, Now: o.Now, Log: o.Log, Edge: o.Edge, Domain: o.Domain, Callees: o.Callees, Demo: o.Demo, Hasher: hasher,
		PublicHosts: o.PublicHosts, SessionTTL: o.SessionTTL, InternalTTL: o.InternalTTL, TransactionTTL: o.TransactionTTL, WorkloadTTL: o.WorkloadTTL, CertificateTTL: o.CertificateTTL,
	})
	if err != nil {
		return nil, err
	}
	host, err := rpc.NewHost[sts.Service]("sts", Operations(o.Callees), service, o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return &Hosted{host, service, internal.JoinTokenFiles{Dir: o.JoinDir, Workloads: o.Left}, o.Log}, nil
}

// Operations is the module's table, for an installation of these modules: those that call others need tokens.
func Operations(callees map[string]Callee) rpc.Table[sts.Service] {
	var callers []string
	for name, callee := range callees {
		for _, caller := range callee.Callers {
			if caller != name { // as the gateway does, which is called by users alone
				callers = append(callers, caller)
			}
		}
	}
	return sts.Operations.Resolve(slices.Collect(maps.Keys(callees)), callers)
}

// Pages are what the module offers besides its operations.
func Pages() []module.Page { return internal.Pages() }

// Page is the handler of one of [Pages].
func (m *Hosted) Page(page module.Page) http.Handler { return m.service.Page(page) }

// leaveInterval is how long a process at most waits for a join token that was used up.
const leaveInterval = time.Second

// LeaveJoinTokens leaves fresh join tokens in the data directory, and again whenever one was used or has expired, until
// ctx ends.
func (m *Hosted) LeaveJoinTokens(ctx context.Context) {
	ticker := time.NewTicker(leaveInterval)
	defer ticker.Stop()
	for first := true; ; first = false {
		if err := m.service.LeaveJoinTokens(ctx, m.files, first); err != nil && ctx.Err() == nil {
			m.log.ErrorContext(ctx, "no join token can be left for the other processes", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// JoinFile is where the join token of a workload lies in a directory.
func JoinFile(dir, workload string) string { return internal.JoinFile(dir, workload) }

// OperatorOptions are what operators need.
type OperatorOptions struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Demo     bool     // demo accounts are good
	Domain   string   // the trust domain
	Modules  []string // of the installation, as operators are told of them
}

// Administer gives what operators do on a database, beside a running STS or without one. Nobody else is let in there: it is
// served in this process alone.
func Administer(o OperatorOptions) (sts.Operators, error) {
	host, err := rpc.NewHost[sts.Operators]("sts", sts.OperatorOperations, internal.Operators{
		Store: o.Store, Now: o.Now, Hasher: internal.NewHasher(), Demo: o.Demo, Domain: o.Domain, Modules: o.Modules,
	}, o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return sts.OperatorClient{Conn: direct.Conn(host, rpc.Operator)}, nil
}

// DemoUsers are the accounts that the demo seeds.
func DemoUsers() []sts.User { return internal.DemoUsers() }
