// Package host builds the STS module in this process, and its administration for the command line.
package host

import (
	"context"
	"net/http"
	"time"

	"oms/modules/sts"
	"oms/modules/sts/internal"
	"oms/platform/database"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// Options are what the module needs.
type Options struct {
	Store    database.Store
	Observer rpc.Observer
	Now      func() time.Time
	Edge     sts.Edge
	Callees  map[string]identity.Scopes // the scopes that each module's operation table knows
	Demo     bool                       // seed the demo users, and let demo accounts in

	SessionTTL time.Duration // how long a session of the user interface lasts
}

// Module is the hosted module.
type Module struct {
	*rpc.Host
	Pages http.Handler // what it offers besides its operations: its routes under /oauth2/
}

// New hosts the module. At the first start it makes the signing key.
func New(ctx context.Context, o Options) (*Module, error) {
	hasher := internal.NewHasher()
	if o.Demo {
		if err := internal.SeedDemo(ctx, o.Store, hasher, o.Now()); err != nil {
			return nil, err
		}
	}
	service, err := internal.New(ctx, internal.Options{
		Store: o.Store, Now: o.Now, Edge: o.Edge, Callees: o.Callees, Demo: o.Demo, Hasher: hasher, SessionTTL: o.SessionTTL,
	})
	if err != nil {
		return nil, err
	}
	host, err := rpc.NewHost[sts.Service]("sts", sts.Operations, service, o.Observer, o.Now)
	if err != nil {
		return nil, err
	}
	return &Module{host, service.Pages()}, nil
}

// Administration is what operators do at the command line.
type Administration = internal.Administration

// User is somebody who can sign in.
type User = internal.User

// TokenRequest asks for an edge access token.
type TokenRequest = internal.TokenRequest

// Administer gives the administration of the database in store. demo says whether demo accounts are good.
func Administer(store database.Store, now func() time.Time, demo bool) Administration {
	return Administration{Store: store, Now: now, Hasher: internal.NewHasher(), Demo: demo}
}

// DemoUsers are the accounts that the demo seeds.
func DemoUsers() []User { return internal.DemoUsers() }
