// Package module says what a module is: a value from the module's own package, which a process is assembled from. It
// knows no module, and what it takes to run one is in the value.
package module

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/database"
	"oms/platform/forwarded"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/limits"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// Module is a part of the system that can run in a process of its own.
type Module struct {
	Name   string // as the configuration, certificates and those who call it have it
	URL    string // where other processes find it when nothing is configured: https://localhost:PORT
	Public bool   // the one module behind server.address; the others are found under modules.NAME

	Tables     []Table // the operations that others can call, a table for each kind of callers; none is a module that only calls
	Pages      []Page  // what it offers to browsers and programs besides, reached through the public module
	Migrations fs.FS   // the schema of its database; nil: it has none
	Secrets    bool    // its database holds secrets: what is deleted there is overwritten

	// Settings makes its configuration, a pointer to a struct that holds the defaults ([config.Section]). Its keys lie
	// under Name. Nil: it has none.
	Settings func() any

	// Open opens it in this process.
	Open func(ctx context.Context, env Env) (Hosted, error)
}

// Table is a table of operations, as [rpc.Table] is for the module's own service.
type Table interface {
	Operations() []rpc.Operation
	Scopes() identity.Scopes
	Callers() []string
	OperationsFor(workloads, callers []string) []rpc.Operation
}

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
	Modules     []Module // all that there are, this one among them
	Elsewhere   []string // those that other processes host
	Domain      string   // the trust domain
	PublicURL   string   // what the world calls the system
	PublicHosts []string // what its public listener is called in certificates: host names and IP addresses
	DataDir     string
	Demo        bool // demo accounts and demo stock are wanted
	DemoRemote  bool // and others than this machine can use the accounts

	CertificateTTL   time.Duration // the lifetime of certificates
	RootAnnouncement time.Duration // how long a next root is known before it signs
	RootOverlap      time.Duration // how long a root that was replaced is trusted after that
}

// Edge is what the module needs that users come to, and the one that says who they are.
type Edge struct {
	Accepted issuers.Accepted       // the access tokens that users may bring
	Proxies  forwarded.Networks     // who may say which client a request is from
	Origins  []string               // of other sites, whose scripts may read what the API answers
	Rates    *limits.Rates          // how often clients may come
	Budget   *limits.Budget         // what their requests may hold together
	Keys     *trust.Keys            // the STS's, which verify our own
	Revoked  func(trust.Basis) bool // of what a user brings, as far as it is known in this process
	Users    trust.Profile          // who a user's credential stands for

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
	Lacks      func(context.Context) (*Lack, error) // what it needs to be of use; nil: it needs nothing
}

// Lack is what a module does not have that somebody has to bring, such as a first user.
type Lack struct {
	Says    string // a sentence: "There are no users yet."
	Command string // with which an operator brings it, without the program's name: "users add NAME"
}

// Background is work that goes on while the process runs.
type Background struct {
	Name string // as people know it: "order relay"
	Run  func(ctx context.Context)
}

// Page is a route that a module offers besides its operations. It is reached through the gateway alone, wherever the
// module lives. Pages are declared, so that the gateway knows them without the module.
type Page struct {
	Method string // GET also serves HEAD
	Path   string // without members: "/oauth2/sign-in"
	// ForPeople has the gateway explain on a page why it cannot reach the module; programs get problem details.
	ForPeople bool
}

// PageHandler serves pages where no router stands before them, each with its handler. Other paths and methods are refused.
func PageHandler(pages []Page, handler func(Page) http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, page := range pages {
		mux.Handle(page.Method+" "+page.Path, handler(page))
	}
	return mux
}

// Scopes are all that its tables speak of.
func (m Module) Scopes() (known identity.Scopes) {
	for _, table := range m.Tables {
		known = identity.NewScopes(append(known, table.Scopes()...)...)
	}
	return known
}

// Callers are the workloads that may call it with what a trust profile proves: whom tokens for it are issued to.
func (m Module) Callers() (callers []string) {
	for _, table := range m.Tables {
		callers = append(callers, table.Callers()...)
	}
	slices.Sort(callers)
	return slices.Compact(callers)
}

// Operations are those of all its tables.
func (m Module) Operations() (all []rpc.Operation) {
	for _, table := range m.Tables {
		all = append(all, table.Operations()...)
	}
	return all
}

// OperationsIn are those of all its tables in an installation of these modules: what a row leaves to the list, such as
// [rpc.EveryWorkload], is said by name.
func (m Module) OperationsIn(list []Module) (all []rpc.Operation) {
	var callers []string
	for _, other := range list {
		callers = append(callers, other.Callers()...)
	}
	for _, table := range m.Tables {
		all = append(all, table.OperationsFor(Names(list), callers)...)
	}
	return all
}

// Lists reports whether any of its operations in an installation of these modules may be called by the workload.
func (m Module) Lists(list []Module, workload string) bool {
	return slices.ContainsFunc(m.OperationsIn(list), func(op rpc.Operation) bool { return slices.Contains(op.Row().Callers, workload) })
}

// Sorted is the list in the order in which modules are told and listen: the public one first, then by the port of their
// URL from the highest down (9445, 9092, 9091). The order of the list itself means nothing.
func Sorted(list []Module) []Module {
	return slices.SortedFunc(slices.Values(list), func(a, b Module) int {
		if a.Public != b.Public {
			return map[bool]int{true: -1, false: 1}[a.Public]
		}
		return cmp.Or(cmp.Compare(b.port(), a.port()), cmp.Compare(a.Name, b.Name))
	})
}

// MostCalledFirst is the list in the order in which people are told of modules that others build on: those that more
// modules call come first, otherwise as in [Sorted].
func MostCalledFirst(list []Module) []Module {
	callers := func(m Module) (n int) {
		for _, other := range list {
			if m.Lists(list, other.Name) {
				n++
			}
		}
		return n
	}
	return slices.SortedStableFunc(slices.Values(Sorted(list)), func(a, b Module) int { return cmp.Compare(callers(b), callers(a)) })
}

// Names are the names of all modules, in the order of [Sorted].
func Names(list []Module) (names []string) {
	for _, m := range Sorted(list) {
		names = append(names, m.Name)
	}
	return names
}

// port is that of URL, 0 where it has none.
func (m Module) port() int {
	u, err := url.Parse(m.URL)
	if err != nil {
		return 0
	}
	port, _ := strconv.Atoi(u.Port()) // none is 0
	return port
}

// Check says what is wrong with a list of modules before any of them is opened: names that stand twice, and rows whose
// callers do not exist, so that nobody could ever call them.
func Check(list []Module) error {
	var problems []error
	names := Names(list)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			problems = append(problems, fmt.Errorf("there are two modules %q; give one of them another name", name))
		}
	}
	for _, m := range Sorted(list) {
		for _, op := range m.Operations() {
			for _, caller := range op.Row().Callers {
				if !slices.Contains(names, caller) && !slices.Contains(noModules, caller) {
					problems = append(problems, fmt.Errorf("operation %q lists the caller %q, and there is no such module; they are %s", op.Row().Name, caller, strings.Join(names, ", ")))
				}
			}
		}
	}
	return errors.Join(problems...)
}

// noModules are what a row can list that is no module.
var noModules = []string{rpc.Anonymous, rpc.Operator, rpc.EveryWorkload, rpc.EveryCaller}

// CheckCall says why caller cannot call callee, or nil.
func CheckCall(list []Module, caller, callee string) error {
	at := slices.IndexFunc(list, func(m Module) bool { return m.Name == callee })
	switch {
	case at < 0:
		return fmt.Errorf("module %s calls %q, and there is no such module; they are %s", caller, callee, strings.Join(Names(list), ", "))
	case !list[at].Lists(list, caller):
		return fmt.Errorf("module %s calls %s, and no operation there lists it as a caller; add it to the Callers of a row", caller, callee)
	}
	return nil
}
