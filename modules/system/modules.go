package system

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"oms/platform/module"
	"oms/platform/rpc"
)

// checkModules refuses a list of modules that cannot work.
func (s *System) checkModules(context.Context) error { return module.Check(s.config.modules) }

// openModules opens the modules of this process, in any order: whom they call is found at the first call.
func (s *System) openModules(ctx context.Context) error {
	installation := s.installation()
	edge := module.Edge{Accepted: s.trusted, Keys: s.trust.keys, Users: s.trust.profile, PagesOf: s.pagesOf}
	var problems []error // what modules want to call and cannot
	for _, m := range s.config.modules {
		if !s.config.Hosts(m.Name) {
			continue
		}
		opening := true
		env := module.Env{
			Settings: s.config.Settings[m.Name], Store: s.stores[m.Name], Observer: s.recorder, Now: time.Now, Log: s.log,
			Installation: installation, Edge: edge,
			Conn: func(callee string) rpc.Conn {
				if !opening {
					return s.conn(callee, m.Name)
				}
				if err := module.CheckCall(s.config.modules, m.Name, callee); err != nil {
					problems = append(problems, err)
				}
				return &lazyConn{resolve: sync.OnceValue(func() rpc.Conn { return s.conn(callee, m.Name) })}
			},
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
func (s *System) installation() module.Installation {
	c := s.config
	i := module.Installation{
		Modules: c.modules, Domain: c.Trust.Domain, PublicURL: c.Server.PublicURL, DataDir: c.DataDir, Demo: c.Demo.Enabled, CertificateTTL: c.Trust.CertificateTTL,
	}
	for _, name := range c.names() {
		if !c.Hosts(name) {
			i.Elsewhere = append(i.Elsewhere, name)
		}
	}
	return i
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
	return module.Pages{At: at, Via: s.transport(name, s.config.publicName())}
}

// lazyConn finds its callee at the first call, when all modules are open.
type lazyConn struct{ resolve func() rpc.Conn }

// Invoke implements [rpc.Conn].
func (c *lazyConn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	return c.resolve().Invoke(ctx, op, request, response)
}
