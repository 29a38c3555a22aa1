package system

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"oms/platform/module"
	"oms/platform/rpc"
)

// openModules opens the modules of this process, in any order: whom they call is found at the first call.
func (s *System) openModules(ctx context.Context) error {
	env := module.Env{
		Observer: s.recorder, Now: time.Now, Log: s.log, Installation: s.config.installation(),
		Edge: module.Edge{Accepted: s.trusted, Keys: s.trust.keys, Users: s.trust.profile, PagesOf: s.pagesOf},
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

// installation is what all modules are told.
func (c Config) installation() module.Installation {
	return module.Installation{
		Modules: c.modules, Elsewhere: slices.DeleteFunc(c.names(), c.Hosts), Domain: c.Trust.Domain, PublicURL: c.Server.PublicURL,
		DataDir: c.DataDir, Demo: c.Demo.Enabled, CertificateTTL: c.Trust.CertificateTTL,
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
