// Package host builds the STS module in this process, and its administration for the command line.
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
	joins   internal.Joins
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
	return &Hosted{host, service, internal.Joins{Dir: o.JoinDir, Workloads: o.Left}, o.Log}, nil
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
		if err := m.service.LeaveJoinTokens(ctx, m.joins, first); err != nil && ctx.Err() == nil {
			m.log.ErrorContext(ctx, "no join token can be left for the other processes", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Administration is what operators do at the command line.
type Administration = internal.Administration

// User is somebody who can sign in.
type User = internal.User

// TokenRequest asks for an edge access token.
type TokenRequest = internal.TokenRequest

// SigningKey is a key that signs tokens, as operators see it.
type SigningKey = internal.SigningKey

// Root is a private root that is trusted, as operators see it.
type Root = internal.Root

// Certificate is a certificate that has not expired, as operators see it.
type Certificate = internal.Certificate

// JoinFile is where the join token of a workload lies in a directory.
func JoinFile(dir, workload string) string { return internal.JoinFile(dir, workload) }

// Administer gives the administration of the database in store. demo says whether demo accounts are good.
func Administer(store database.Store, now func() time.Time, demo bool, domain string) Administration {
	return Administration{Store: store, Now: now, Hasher: internal.NewHasher(), Demo: demo, Domain: domain}
}

// DemoUsers are the accounts that the demo seeds.
func DemoUsers() []User { return internal.DemoUsers() }
