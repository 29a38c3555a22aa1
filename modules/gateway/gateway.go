// Package gateway is the only public door: it turns what users bring into a principal, and requests from outside into
// operations of the modules.
//
// Every route comes from a row with an edge; there is no other way in. Credentials are judged before the body is read,
// and rights before anything is looked up. What a client sends about its identity other than a credential goes no
// further: a module is told only what the STS has established.
package gateway

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"

	"oms/modules/gateway/internal/binding"
	"oms/platform/issuers"
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

// Options are what the gateway needs.
type Options struct {
	Modules  []Backend
	Users    Users
	Keys     *trust.Keys  // the STS's, which verify our own access tokens
	STSPages http.Handler // the routes under /oauth2/, wherever they are; nil where the STS is not in this deployment

	PublicURL string // what the world calls the gateway
	Edge      issuers.Accepted
	Observer  rpc.Observer
	Now       func() time.Time
	Log       *slog.Logger
}

// New makes the handler of the public listener. It fails where a row and its types cannot be bound.
func New(o Options) (http.Handler, error) {
	g := &gateway{o}
	router := echo.New()
	router.IPExtractor = echo.ExtractIPDirect() // X-Forwarded-For is anybody's to write
	router.HTTPErrorHandler = g.fail
	router.Use(g.observe, plainPaths)
	if err := g.route(router); err != nil {
		return nil, err
	}
	g.routePages(router)
	return router, nil
}

type gateway struct{ Options }

// member is a member of a row's path, whatever its name.
var member = regexp.MustCompile(`\{[a-z_]+\}`)

// route opens a way in for every row with an edge.
func (g *gateway) route(router *echo.Echo) error {
	taken := map[string]string{}
	for _, module := range g.Modules {
		for _, operation := range module.Operations {
			if !operation.Row().Edge.Bound() {
				continue
			}
			bound, err := binding.New(operation)
			if err != nil {
				return err
			}
			door := bound.Row.Edge.Method + " " + member.ReplaceAllString(bound.Row.Edge.Path, "{}")
			if other := taken[door]; other != "" { // the router would let the later one win
				return fmt.Errorf("operations %s and %s have the same edge %s", other, bound.Row.Name, door)
			}
			taken[door] = bound.Row.Name
			handle := g.serve(module, bound)
			router.Add(bound.Row.Edge.Method, bound.EchoPath(), handle)
			if bound.Row.Edge.Method == http.MethodGet {
				router.HEAD(bound.EchoPath(), handle)
			}
		}
	}
	return nil
}

// serve is every route: identify, authorise, decode, call, respond.
func (g *gateway) serve(module Backend, bound *binding.Binding) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, w := c.Request(), c.Response()
		ctx, principal, err := g.identify(r, module.Name)
		if err != nil {
			return err
		}
		if err := g.authorize(ctx, bound.Row, principal); err != nil {
			return err
		}
		request, err := bound.Decode(w, r, c.Param)
		if err != nil {
			return err
		}
		response, err := bound.Operation.Invoke(ctx, module.Conn, request)
		if err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store") // every answer depends on who asks
		return bound.Respond(w, r, response)
	}
}
