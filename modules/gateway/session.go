package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"oms/modules/gateway/ui"
	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
)

// routePages opens the way to the user interface and to the pages of the STS.
func (g *gateway) routePages(router *echo.Echo) {
	router.Any("/ui/*", echo.WrapHandler(withSession(ui.New(ui.Options{
		Orders:    order.Client{Conn: g.sessionConn("order")},
		Inventory: inventory.Client{Conn: g.sessionConn("inventory")},
		User:      g.user, Log: g.Log, Now: g.Now, PublicURL: g.PublicURL,
	}))))
	router.Match([]string{http.MethodGet, http.MethodHead}, "/", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/ui/") })
	for _, path := range pagesPaths {
		router.Any(path, pages(g.stsPages()))
	}
}

// stsPages are the STS's pages, or where there is no STS, nobody's.
func (g *gateway) stsPages() http.Handler {
	if g.STSPages != nil {
		return onlyTheirs(g.STSPages)
	}
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		failPage(r, fault.Retryable(30*time.Second, "Nobody can sign in right now: the part that knows the users is not part of this deployment."))
	})
}

// withSession takes the session from the cookie, which is the only credential that pages accept.
func withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(sts.SessionCookie); err == nil && cookie.Value != "" {
			session := identity.Credential{Kind: identity.Session, Text: secret.Text(cookie.Value)}
			r = r.WithContext(identity.WithCredential(r.Context(), session))
		}
		next.ServeHTTP(w, r)
	})
}

// user is who the pages greet, with all rights that there are to show.
func (g *gateway) user(ctx context.Context) (ui.User, error) {
	user, err := g.authenticated(ctx, Name)
	return ui.User{Subject: user.Subject, Name: user.FullName, Scopes: user.Scopes}, err
}

// sessionConn reaches a module for whoever is signed in: every call is authorised anew, by the same rows as the API's.
func (g *gateway) sessionConn(module string) rpc.Conn {
	for _, m := range g.Modules {
		if m.Name == module {
			return sessionConn{g, m}
		}
	}
	return rpc.NewConn(rpc.ConnOptions{Caller: Name, Callee: module, Transport: rpc.Unassigned(module)})
}

type sessionConn struct {
	gateway *gateway
	module  Backend
}

func (c sessionConn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	principal, err := c.gateway.principal(ctx, c.module.Name)
	if err != nil {
		return err
	}
	return c.module.Conn.Invoke(identity.With(ctx, principal), op, request, response)
}
