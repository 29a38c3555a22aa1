package module

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/database"
	"oms/platform/issuers"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// Env is what a process gives to a module that it opens.
type Env struct {
	Settings any            // what [Module.Settings] made, filled from the configuration
	Store    database.Store // the module's own; nil where it has no migrations
	Observer rpc.Observer   // for the module's host
	Now      func() time.Time
	Log      *slog.Logger

	// Conn reaches another module on behalf of this one, whenever it is asked for. Where that is, and whether it is open, is
	// found out at the first call, so modules are opened in any order and two of them may call each other. What is asked
	// for in Open is checked there: the start of the process fails where there is no such module, or where no operation of
	// it lists this one as a caller.
	Conn func(module string) rpc.Conn

	Installation
	Edge
}

// Installation is what all processes of an installation know.
type Installation struct {
	Modules        []Module // all that there are, this one among them
	Elsewhere      []string // those that other processes host
	Domain         string   // the trust domain
	PublicURL      string   // what the world calls the system
	DataDir        string
	Demo           bool          // demo accounts and demo stock are wanted
	CertificateTTL time.Duration // the lifetime of certificates
}

// Edge is what the module needs that users come to, and the one that says who they are.
type Edge struct {
	Accepted issuers.Accepted // the access tokens that users may bring
	Keys     *trust.Keys      // the STS's, which verify our own
	Users    trust.Profile    // who a user's credential stands for

	// PagesOf are the pages of another module, wherever that is.
	PagesOf func(module string) Pages
}

// Pages is where the pages of a module are; the zero value is nowhere.
type Pages struct {
	Here func(Page) http.Handler // in this process

	At  *url.URL          // in another one
	Via http.RoundTripper // how it is reached; it proves this module
}

// Hosted is a module that is open in this process.
type Hosted struct {
	Host       *rpc.Host               // serves the module's tables; nil: it has none
	Page       func(Page) http.Handler // the handler of each of [Module.Pages]; nil: it has none
	Public     http.Handler            // of the public listener, where the module is the public one
	Background []Background
	Collectors []prometheus.Collector
}

// Background is work that goes on while the process runs.
type Background struct {
	Name string // as people know it: "order relay"
	Run  func(ctx context.Context)
}
