package host

import (
	"context"
	"net/url"

	"oms/migrations"
	"oms/modules/sts"
	"oms/modules/sts/internal"
	"oms/platform/identity"
	"oms/platform/module"
)

// Module is the security token service.
var Module = module.Module{
	Name:       sts.Name,
	URL:        "https://localhost:9445",
	Tables:     []module.Table{sts.Operations},
	Pages:      internal.Pages(),
	Migrations: migrations.For(sts.Name),
	Settings:   func() any { return internal.DefaultSettings() },
	Open:       open,
}

func open(ctx context.Context, env module.Env) (module.Hosted, error) {
	public, err := url.Parse(env.PublicURL)
	if err != nil {
		return module.Hosted{}, err
	}
	return New(ctx, Options{
		Settings: *env.Settings.(*Settings), Store: env.Store, Observer: env.Observer, Now: env.Now, Log: env.Log, Edge: env.Accepted, Domain: env.Domain,
		Callees: Callees(env.Modules), Demo: env.Demo, CertificateTTL: env.CertificateTTL, DataDir: env.DataDir, Elsewhere: env.Elsewhere,
		PublicHosts: []string{public.Hostname(), "localhost", "127.0.0.1", "::1"}, // what this machine calls itself
	})
}

// Settings are the module's part of the configuration, under its name.
type Settings = internal.Settings

// Callees are the modules as the STS knows them, from their tables: the scopes that their operations speak of, and who
// may call. The public one shows users all that they may do.
func Callees(list []module.Module) map[string]Callee {
	callees := map[string]Callee{}
	var all identity.Scopes
	for _, m := range list {
		callees[m.Name] = Callee{Scopes: m.Scopes(), Callers: m.Callers()}
		all = identity.NewScopes(append(all, m.Scopes()...)...)
	}
	for _, m := range list {
		if m.Public {
			callees[m.Name] = Callee{Scopes: all, Callers: []string{m.Name}}
		}
	}
	return callees
}
