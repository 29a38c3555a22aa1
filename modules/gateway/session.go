package gateway

import (
	"context"

	"oms/modules/gateway/ui"
	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// newUI makes the pages under /ui/.
func (g *gateway) newUI() *ui.Pages {
	return ui.New(ui.Options{
		Orders:    order.Client{Conn: g.sessionConn("order")},
		Inventory: inventory.Client{Conn: g.sessionConn("inventory")},
		User:      g.user, Log: g.Log, Now: g.Now, PublicURL: g.PublicURL,
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
