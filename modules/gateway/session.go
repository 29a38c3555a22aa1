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
	"oms/web"
)

// routePages opens the way to the user interface and to the pages of the STS.
func (g *gateway) routePages(router *echo.Echo) {
	router.Any("/ui/*", echo.WrapHandler(withSession(ui.New(ui.Options{
		Orders:    order.Client{Conn: g.sessionConn("order")},
		Inventory: inventory.Client{Conn: g.sessionConn("inventory")},
		User:      g.user, Log: g.Log, Now: g.Now, PublicURL: g.PublicURL,
	}))))
	router.Match([]string{http.MethodGet, http.MethodHead}, "/", func(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/ui/") })
	if g.STSPages != nil {
		router.Any(pagesPath, pages(g.STSPages))
	} else {
		router.Any(pagesPath, withoutSTS)
	}
}

// withoutSTS answers where nobody can sign in: with a page to people, with a problem to programs.
func withoutSTS(c echo.Context) error {
	away := fault.Retryable(30*time.Second, "Nobody can sign in right now: the part that knows the users is not part of this deployment.")
	if c.Request().URL.Path != "/oauth2/sign-in" {
		return away
	}
	web.ShowFault(c.Response(), c.Request(), away)
	return nil
}

type sessionKey struct{}

// withSession takes the session from the cookie, which is the only credential that pages accept.
func withSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(sts.SessionCookie); err == nil && cookie.Value != "" {
			r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, secret.Text(cookie.Value)))
		}
		next.ServeHTTP(w, r)
	})
}

// judgeSession asks the STS who the session stands for, at one callee. Without a session that is nobody.
func (g *gateway) judgeSession(ctx context.Context, callee string) (sts.Judgement, error) {
	session, signedIn := ctx.Value(sessionKey{}).(secret.Text)
	if !signedIn {
		return sts.Judgement{}, nil
	}
	return g.STS.JudgeSession(identity.With(ctx, g.nobody(ctx)), sts.JudgeSessionRequest{Session: session, Callee: callee})
}

// nobody is the gateway itself, within the transaction of ctx.
func (g *gateway) nobody(ctx context.Context) identity.Principal {
	return identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction}
}

// user is who the pages greet, with all rights that there are to show.
func (g *gateway) user(ctx context.Context) (ui.User, error) {
	judgement, err := g.judgeSession(ctx, Name)
	return ui.User{Subject: judgement.Subject, Name: judgement.FullName, Scopes: identity.NewScopes(judgement.Scopes...)}, err
}

// sessionConn reaches a module for whoever is signed in: every call is judged anew, by the same rows as the API's.
func (g *gateway) sessionConn(module string) rpc.Conn {
	for _, m := range g.Modules {
		if m.Name == module {
			return sessionConn{g, m}
		}
	}
	return rpc.Unassigned(module)
}

type sessionConn struct {
	gateway *gateway
	module  Module
}

func (c sessionConn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	judgement, err := c.gateway.judgeSession(ctx, c.module.Name)
	if err != nil {
		return err
	}
	principal := c.gateway.nobody(ctx)
	principal.Subject, principal.Scopes = judgement.Subject, identity.NewScopes(judgement.Scopes...)
	return c.module.Conn.Invoke(identity.With(ctx, principal), op, request, response)
}
