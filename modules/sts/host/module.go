// Package host builds the STS module in this process, and what operators do with it.
package host

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"oms/migrations"
	"oms/modules/sts"
	"oms/modules/sts/internal"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/trust/direct"
)

// Module is the security token service.
var Module = module.Module{
	Name:       sts.Name,
	URL:        "https://localhost:9445",
	Tables:     []module.Table{sts.Operations},
	Pages:      internal.Pages(),
	Migrations: migrations.For(sts.Name),
	Secrets:    true,
	Settings:   func() any { return internal.DefaultSettings() },
	Open:       open,
}

func open(ctx context.Context, env module.Env) (module.Hosted, error) {
	return New(ctx, Options{Env: env, Settings: *env.Settings.(*Settings), Callees: Callees(env.Modules)})
}

type (
	// Settings are the module's part of the configuration, under its name.
	Settings = internal.Settings
	// Options are what the module needs.
	Options = internal.Options
	// OperatorOptions are what operators need.
	OperatorOptions = internal.OperatorOptions
	// Callee is a module as the STS knows it.
	Callee = internal.Callee
)

// Callees are the modules as the STS knows them, from their tables: the scopes that their operations speak of, and who
// may call. The public one shows users all that they may do.
func Callees(list []module.Module) map[string]Callee {
	callees := map[string]Callee{}
	for _, m := range list {
		callees[m.Name] = Callee{Scopes: m.Scopes(), Callers: m.Callers()}
		if m.Public {
			callees[m.Name] = Callee{Scopes: Scopes(list), Callers: []string{m.Name}}
		}
	}
	return callees
}

// Scopes are all that the modules' operations speak of: what users can have.
func Scopes(list []module.Module) (all identity.Scopes) {
	for _, m := range list {
		all = identity.NewScopes(append(all, m.Scopes()...)...)
	}
	return all
}

// New hosts the module. At the first start it makes the signing key and the roots.
func New(ctx context.Context, o Options) (module.Hosted, error) {
	service, err := internal.New(ctx, o)
	if err != nil {
		return module.Hosted{}, err
	}
	host, err := rpc.NewHost[sts.Service](sts.Name, operations(o.Callees), service, o.Observer, o.Now)
	pruner := service.Pruner()
	return module.Hosted{
		Host: host, Page: service.Page,
		Background: []module.Background{
			{Name: "join tokens", Run: service.LeaveJoinTokens}, {Name: "retired keys", Run: service.ForgetKeys}, {Name: "sts retention", Run: pruner.Run},
		},
		Collectors: []prometheus.Collector{pruner.Collector()},
		Lacks: func(ctx context.Context) (*module.Lack, error) {
			if some, err := service.HasUsers(ctx); some || err != nil {
				return nil, err
			}
			return &module.Lack{Says: "There are no users yet.", Command: "users add NAME --scope '" + strings.Join(Scopes(o.Modules), " ") + "'"}, nil
		},
	}, err
}

// operations is the module's table, for an installation of these modules: those that call others need tokens.
func operations(callees map[string]Callee) rpc.Table[sts.Service] {
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

// Administer gives what operators do on a database, beside a running STS or without one: a Conn for [sts.OperatorOperations].
// Nobody else is let in there: it is served in this process alone.
func Administer(o OperatorOptions) (rpc.Conn, error) {
	host, err := rpc.NewHost[sts.Operators](sts.Name, sts.OperatorOperations, internal.NewOperators(o), o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return direct.Conn(host, rpc.Operator), nil
}

// DemoUsers are the accounts that the demo seeds.
func DemoUsers() []sts.User { return internal.DemoUsers() }
