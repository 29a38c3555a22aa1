// Package gateway is the only public door: it turns what users bring into a principal, and requests from outside into
// operations of the modules.
//
// Everything that can be reached is in one table: what the modules' rows and pages declare, and the user interface.
// Credentials are judged before the body is read, and rights before anything is looked up. What a client sends about its
// identity other than a credential goes no further: a module is told only what the STS has established.
package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"oms/modules/gateway/internal/binding"
	"oms/modules/sts"
	"oms/platform/forwarded"
	"oms/platform/issuers"
	"oms/platform/limits"
	"oms/platform/module"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// Name is the name by which the gateway calls the modules.
const Name = "gateway"

// Backend is a module behind the gateway.
type Backend struct {
	Name       string
	Conn       rpc.Conn
	Operations []rpc.Operation
}

// Page is a page of a module behind the gateway.
type Page struct {
	module.Page
	Handler Handler // see [Local] and [Remote]; nil where the module is not in this deployment
}

// Options are what the gateway needs.
type Options struct {
	Modules []Backend
	Users   Users
	STS     rpc.Conn               // which knows the sessions of whoever is signed in
	Keys    *trust.Keys            // the STS's, which verify our own access tokens
	Revoked func(trust.Basis) bool // of what a user brings, as far as it is known here; the STS is asked besides
	Pages   []Page

	PublicURL string   // what the world calls the gateway
	Origins   []string // whose scripts may read what the API answers, see [gateway.share]
	Edge      issuers.Accepted
	Proxies   forwarded.Networks // whose word counts for where a request is from
	Rates     *limits.Rates
	Budget    *limits.Budget
	Observer  rpc.Observer
	Now       func() time.Time
	Log       *slog.Logger
}

// New makes the handler of the public listener, and the metrics of what comes there. It fails where a row and its types
// cannot be bound.
func New(o Options) (http.Handler, []prometheus.Collector, error) {
	ours := http.NewCrossOriginProtection()
	_ = ours.AddTrustedOrigin(o.PublicURL) // also where a proxy in front puts another Host; the configuration has accepted it
	g := &gateway{Options: o, ours: ours, requests: newRequests(), told: semaphore.NewWeighted(toldAtOnce), strangers: sampled.New(o.Log, o.Now), defects: sampled.New(o.Log, o.Now)}
	router := echo.New()
	router.IPExtractor = echo.ExtractIPDirect() // [gateway.findClient] has judged X-Forwarded-For
	router.HTTPErrorHandler = g.fail
	table, err := g.table()
	if err != nil {
		return nil, nil, err
	}
	g.routes, g.shared = indexOf(table), sharedPaths(table)
	router.Use(g.middleware()...)
	return router, []prometheus.Collector{g.requests}, mount(router, table)
}

type gateway struct {
	Options
	ours      *http.CrossOriginProtection // knows forms of other sites
	routes    map[string]route            // see [indexOf]
	shared    map[string]sharing          // see [sharedPaths]
	requests  *prometheus.CounterVec
	told      *semaphore.Weighted // see [toldAtOnce]
	strangers *sampled.Log        // requests that no user is proven to stand behind
	defects   *sampled.Log        // what is ours to mend, and anybody may have found
}

// operation answers for one operation: identify, authorise, decode, call, respond.
func (g *gateway) operation(module Backend, bound *binding.Binding) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, principal, err := g.identify(r, module.Name)
		if err != nil {
			return err
		}
		if err := g.authorize(ctx, bound.Row, principal); err != nil {
			return err
		}
		judged := g.Now()
		request, err := bound.Decode(w, r)
		if err != nil {
			return err
		}
		if g.Now().Sub(judged) > judgementAge {
			if ctx, err = g.judgeAgain(ctx, module.Name, bound.Row); err != nil {
				return err
			}
		}
		answer, err := answer(ctx, module, bound, request)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store") // every answer depends on who asks
		return answer.Send(w, r)
	}
}

// answer calls the operation. Large answers, and what changes something, take turns, until they are what is sent.
func answer(ctx context.Context, module Backend, bound *binding.Binding, request any) (*binding.Answer, error) {
	done, err := takeTurn(ctx, bound.Row)
	if err != nil {
		return nil, err
	}
	defer done()
	response, err := bound.Operation.Invoke(ctx, module.Conn, request)
	if err != nil {
		return nil, err
	}
	return bound.Encode(response)
}

// takeTurn waits for the turn of a call of an operation.
func takeTurn(ctx context.Context, row rpc.Row) (done func(), err error) {
	switch share := limits.ShareFrom(ctx); {
	case row.Large:
		return share.Dear(ctx)
	case row.Edge.Method != http.MethodGet:
		return share.Write(ctx)
	}
	return func() {}, nil
}

// Module is the gateway, the only module that is reached from outside.
var Module = module.Module{Name: Name, URL: "https://localhost:9090", Public: true, Open: open}

// open makes the public door to everything that the other modules offer.
func open(_ context.Context, env module.Env) (module.Hosted, error) {
	o := Options{
		Users: env.Users, STS: env.Conn(sts.Name), Keys: env.Keys, Revoked: env.Revoked, PublicURL: env.PublicURL, Origins: env.Origins,
		Edge: env.Accepted, Proxies: env.Proxies, Rates: env.Rates, Budget: env.Budget, Observer: env.Observer, Now: env.Now, Log: env.Log,
	}
	for _, m := range env.Modules {
		if slices.ContainsFunc(m.Operations(), reachable) {
			o.Modules = append(o.Modules, Backend{Name: m.Name, Conn: env.Conn(m.Name), Operations: m.Operations()})
		}
		o.Pages = append(o.Pages, pagesOfModule(m, env)...)
	}
	handler, metrics, err := New(o)
	return module.Hosted{Public: handler, Collectors: metrics}, err
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
