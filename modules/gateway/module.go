package gateway

import (
	"context"
	"slices"

	"oms/platform/module"
	"oms/platform/rpc"
)

// Module is the gateway, the only module that is reached from outside.
var Module = module.Module{Name: Name, URL: "https://localhost:9090", Public: true, Open: open}

// open makes the public door to everything that the other modules offer.
func open(_ context.Context, env module.Env) (module.Hosted, error) {
	o := Options{
		Users: env.Users, Keys: env.Keys, PublicURL: env.PublicURL, Edge: env.Accepted, Observer: env.Observer, Now: env.Now, Log: env.Log,
	}
	for _, m := range env.Modules {
		if slices.ContainsFunc(m.Operations(), reachable) {
			o.Modules = append(o.Modules, Backend{Name: m.Name, Conn: env.Conn(m.Name), Operations: m.Operations()})
		}
		o.Pages = append(o.Pages, pagesOfModule(m, env)...)
	}
	handler, err := New(o)
	return module.Hosted{Public: handler}, err
}

func reachable(op rpc.Operation) bool { return op.Row().Edge.Bound() }

// pagesOfModule are the pages of a module, each with what answers for it where the module is.
func pagesOfModule(m module.Module, env module.Env) (pages []Page) {
	if len(m.Pages) == 0 {
		return nil
	}
	from := env.PagesOf(m.Name)
	var handler Handler
	if from.At != nil {
		handler = Remote(from.At, from.Via, env.Log)
	}
	for _, page := range m.Pages {
		if from.Here != nil {
			handler = Local(from.Here(page))
		}
		pages = append(pages, Page{page, handler})
	}
	return pages
}
