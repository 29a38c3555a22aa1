package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"oms/modules/gateway/ui"
	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
)

// Users says who the credential in a context stands for at one callee, as a call from caller will have it: the trust
// profile. Without a credential it is nobody. Errors are *fault.Error: unauthenticated where the credential does not hold.
type Users interface {
	User(ctx context.Context, caller, callee string) (trust.Issued, error)
}

// principal is who a request is from, at one callee.
func (g *gateway) principal(ctx context.Context, callee string) (identity.Principal, error) {
	user, err := g.authenticated(ctx, callee)
	return identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction, Subject: user.Subject, Scopes: user.Scopes}, err
}

// authenticated is the user behind a request, with the rights at one callee; at the gateway itself, with all.
func (g *gateway) authenticated(ctx context.Context, callee string) (trust.Issued, error) {
	nobody := identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction}
	return g.Users.User(identity.With(ctx, nobody), Name, callee)
}

// identify turns the request's credential into a principal for the module that it is for; the context carries both.
// Without a credential nobody is behind the request; a bad one is refused, on public routes too.
func (g *gateway) identify(r *http.Request, callee string) (context.Context, identity.Principal, error) {
	ctx := r.Context()
	raw, err := bearerToken(r)
	if err != nil {
		return ctx, identity.Principal{}, err
	}
	if raw != "" {
		if err := g.verify(ctx, raw); err != nil {
			return ctx, identity.Principal{}, err
		}
		ctx = identity.WithCredential(ctx, identity.Credential{Kind: identity.EdgeToken, Text: raw})
	}
	principal, err := g.principal(ctx, callee)
	if err == nil {
		err = admitUser(ctx, principal.Subject)
	}
	return identity.With(ctx, principal), principal, err
}

// verify judges an access token by what is known here: before anybody is asked about it, and also while nobody can be.
func (g *gateway) verify(ctx context.Context, raw secret.Text) error {
	own := func(kid string) (*token.KeySet, error) { return g.Keys.Having(ctx, kid) }
	bearer, err := g.Edge.Verify(raw.Reveal(), own, g.Now())
	_, bad := errors.AsType[*token.Error](err)
	switch {
	case err != nil && !bad: // an STS that cannot be asked
		return err
	case bad, g.Revoked(trust.Basis{Subject: bearer.Subject, IssuedAt: bearer.Issued}):
		return fault.New(fault.Unauthenticated, "The access token does not hold. Get a new one.").Because(err)
	}
	return nil
}

// bearerToken gives the token of the Authorization header (RFC 6750 section 2.1), or "" where nothing was sent. No
// other place is looked at, and a token in two places is an error (section 2).
func bearerToken(r *http.Request) (secret.Text, error) {
	sent := r.Header.Values("Authorization")
	if len(sent) == 0 {
		return "", nil
	}
	if len(sent) > 1 || r.URL.Query().Has("access_token") {
		return "", fault.New(fault.Malformed, "Send one credential, in one Authorization header.").
			With(fault.Field{Code: fault.Repeated, Header: "Authorization", Detail: "is given more than once"})
	}
	scheme, raw, _ := strings.Cut(sent[0], " ")
	raw = strings.TrimLeft(raw, " ") // one or more (RFC 9110 section 11.4)
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return "", fault.New(fault.Unauthenticated, "Send an access token: Authorization: Bearer TOKEN.")
	}
	return secret.Text(raw), nil
}

// authorize refuses, before the body is read, what the callee would refuse. It asks the same function.
func (g *gateway) authorize(ctx context.Context, row rpc.Row, p identity.Principal) error {
	reason, refused := row.Authorize(p)
	g.Observer.Observe(ctx, rpc.Record{
		At: g.Now(), Module: Name, Operation: row.Name, Transport: rpc.InProcess, Caller: p.Caller, Subject: p.Subject,
		Scopes: p.Scopes, Transaction: p.Transaction, Reason: reason, Proof: string(rpc.InProcess),
	})
	if reason == rpc.ScopeMissing {
		return &missingScopeError{refused, row.Scope}
	}
	if refused != nil {
		return refused
	}
	return nil
}

// judgementAge is how long what was found out about a user counts within a request. A body can take longer to arrive, and what
// has ended meanwhile must have ended for this request too.
const judgementAge = time.Second

// judgeAgain identifies the user behind a context once more, and decides anew.
func (g *gateway) judgeAgain(ctx context.Context, callee string, row rpc.Row) (context.Context, error) {
	principal, err := g.principal(ctx, callee)
	if err != nil {
		return ctx, err
	}
	return identity.With(ctx, principal), g.authorize(ctx, row, principal)
}

// missingScopeError is a refusal that can say what would help (RFC 6750 section 3).
type missingScopeError struct {
	refused *fault.Error
	scope   string
}

func (m *missingScopeError) Error() string { return m.refused.Error() }

func (m *missingScopeError) Unwrap() error { return m.refused }

// newUI makes the pages under /ui/.
func (g *gateway) newUI() *ui.Pages {
	return ui.New(ui.Options{
		Orders:    order.Client{Conn: g.sessionConn("order")},
		Inventory: inventory.Client{Conn: g.sessionConn("inventory")},
		Accounts:  sts.Client{Conn: ownConn{g.STS}},
		User:      g.user, Log: g.Log, Now: g.Now, PublicURL: g.PublicURL,
	})
}

// user is who the pages greet, with all rights that there are to show.
func (g *gateway) user(ctx context.Context) (ui.User, error) {
	user, err := g.authenticated(ctx, Name)
	if err == nil {
		err = admitUser(ctx, user.Subject)
	}
	return ui.User{Subject: user.Subject, Name: cmp.Or(strings.TrimSpace(user.FullName), user.Subject), Scopes: user.Scopes}, err
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
	done, err := takeTurn(ctx, op.Row())
	if err != nil {
		return err
	}
	defer done()
	return c.module.Conn.Invoke(identity.With(ctx, principal), op, request, response)
}

// ownConn reaches a module for the gateway itself, whoever has sent the request: what the call is about is in it.
type ownConn struct{ rpc.Conn }

func (c ownConn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	own := identity.With(ctx, identity.Principal{Caller: Name, Transaction: identity.From(ctx).Transaction})
	return c.Conn.Invoke(identity.WithCredential(own, identity.Credential{}), op, request, response)
}
