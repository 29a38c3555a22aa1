// Package ui is the part of the gateway that people look at: every page under /ui/.
//
// It holds no rule and no data of orders and stock. A page is an operation of a module, called as the user whose
// session the request carries, and its answer in words; what the module refuses, the page explains. The basket lives
// in the user's browser until it is sent.
package ui

import (
	"context"
	"log/slog"
	"time"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/identity"
)

// User is who is signed in.
type User struct {
	Subject string
	Name    string          // for people
	Scopes  identity.Scopes // what pages offer; the modules decide what is done
}

// Options are what the pages need. The services are called with the request's context, which carries the session.
type Options struct {
	Orders    order.Service
	Inventory inventory.Service
	// User says whose session a request's context carries. The zero User is nobody: there is no session. Where there was
	// one and it does not hold any more, the error is a fault of code unauthenticated.
	User      func(context.Context) (User, error)
	Log       *slog.Logger
	Now       func() time.Time
	PublicURL string // without a slash at its end
}

// Pages are everything under /ui/.
type Pages struct{ Options }

// New makes the pages.
func New(o Options) *Pages { return &Pages{o} }
