package rpc

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
)

// Row says everything about an operation. It is data: the in-process call, the remote call, the route at the edge,
// the authorization decision, the deadline and the metric's label all come from it.
type Row struct {
	Name           string        // "module.Method"
	Summary        string        // what it does, in one sentence for whoever calls it
	Callers        []string      // the workloads that may call it; empty does not start
	Who            Who           // what user must stand behind the call; the zero value does not start
	Scope          string        // what that user must hold
	AnySignedIn    bool          // said instead of a Scope where every user may
	Proof          Proof         // how a caller in another process proves itself; the zero value asks for everything there is
	OptionalScopes []string      // scopes that only widen the answer; they survive narrowing as Scope does
	Timeout        time.Duration // how long one call may take; no more than the caller's own deadline
	Retry          Retry         // whether a transport may send it again
	Large          bool          // its answer can have hundreds of parts: few are made at once, and it is the first to be refused under load
	Edge           Edge          // how it is reached from outside; unset: not at all
	Errors         []fault.Code  // with which it can fail, beside those with which every operation can; see [Row.Declares]
	Conflicts      []fault.Kind  // its conflicts, such as "out-of-stock"; none: it fails with no conflict
}

// Declares reports whether the operation may fail like this: with what its row names, or with one of the codes with
// which every operation can fail, whatever it does.
func (r Row) Declares(failure *fault.Error) bool {
	switch failure.Code {
	case fault.Conflict:
		return slices.ContainsFunc(r.Conflicts, func(k fault.Kind) bool { return k.Name == failure.Type })
	case fault.InvalidArgument, fault.NotFound, fault.PreconditionFailed:
		return slices.Contains(r.Errors, failure.Code)
	default:
		return true
	}
}

// Who says what user must stand behind a call.
type Who int

// The rules. There is no default: a row that names none does not start.
const (
	_        Who = iota
	User         // a signed-in user who holds the row's scope
	Anyone       // a user or nobody
	Workload     // the calling workload alone decides; such a row has no edge
)

// Proof says how a caller in another process proves itself. A call within a process needs no proof.
type Proof int

const (
	// ByProfile is a certificate and what the trust profile adds to it: for this call, and for the user behind it.
	ByProfile Proof = iota
	// ByCertificate is the workload's certificate alone: for the few operations that a caller needs to get the rest.
	ByCertificate
)

// Anonymous is the caller that has proven nothing, not even by a certificate. Only a row that lists it lets it in, and
// such a row has to judge what the request itself brings, such as a join token.
const Anonymous = "stranger"

// Retry says whether a transport may send a call again when it does not know whether the first one arrived.
type Retry int

const (
	// Never is for operations of which a second execution would do harm.
	Never Retry = iota
	// Idempotent is for operations that give the same answer and effect however often they are executed.
	Idempotent
)

// Edge binds an operation to a request from outside. The members of the request type are bound by struct tags:
// `path:"id"` and `query:"limit"` name where a member comes from, the others are the body. Of the response,
// `header:"ETag"` members become headers, `edge:"-"` members stay inside, and where the `edge:"created"` one is true the status
// is 201. A flag of the request that is tagged `prefer:"representation"` says that the client prefers to see what has become of
// the thing (RFC 7240), and the response's `edge:"representation"` member, where it is there, is sent instead of all others.
type Edge struct {
	Method   string // GET also serves HEAD
	Path     string // "/order/{id}"
	Success  int    // the status of success; 0 is 200
	Location string // a template for the Location header, filled from the response's members: "/order/{id}"
}

// Bound reports whether the operation can be reached from outside at all.
func (e Edge) Bound() bool { return e.Method != "" || e.Path != "" }

// Callers lists the workloads that may call an operation.
func Callers(names ...string) []string { return names }

var (
	rowName   = regexp.MustCompile(`^[a-z]+\.[A-Z][A-Za-z]*$`)
	edgePath  = regexp.MustCompile(`^(/[a-z]+|/\{[a-z_]+\})+$`)
	scopeName = regexp.MustCompile(`^[a-z_]+$`)
	methods   = map[string]bool{http.MethodGet: true, http.MethodPost: true, http.MethodPut: true, http.MethodDelete: true, http.MethodPatch: true}
)

// check says what is wrong with the row, or nil. A row with an unset access rule must never serve.
func (r Row) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("operation %q: %s", r.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case !rowName.MatchString(r.Name):
		return wrong("a name is module.Method")
	case len(r.Callers) == 0:
		return wrong("lists no callers")
	case r.Who != User && r.Who != Anyone && r.Who != Workload:
		return wrong("does not say who: User, Anyone or Workload")
	case r.Who == User && (r.Scope == "") != r.AnySignedIn:
		return wrong("a User row names a scope, or else says AnySignedIn")
	case r.Who != User && (r.Scope != "" || r.AnySignedIn):
		return wrong("names a scope that its rule never asks for")
	case r.Timeout <= 0:
		return wrong("has no timeout")
	case slices.Contains(r.Callers, Anonymous) && (r.Who != Workload || r.Proof != ByCertificate):
		return wrong("lists strangers, whom no user and no profile can stand behind")
	case slices.Contains(r.Callers, Operator) && (len(r.Callers) > 1 || r.Who != Workload || r.Proof != ByCertificate):
		return wrong("is for operators, beside whom nobody calls: Workload, ByCertificate")
	case slices.ContainsFunc(r.Callers, unresolved) && (r.Who != Workload || r.Proof != ByCertificate):
		return wrong("lists callers by a rule, which is for what workloads need before they can prove anything else: Workload, ByCertificate")
	case r.Proof != ByProfile && r.Who != Workload:
		return wrong("asks for a certificate alone, which says nothing about a user")
	case r.Who == Workload && r.Edge.Bound():
		return wrong("a Workload row cannot have an edge: no workload calls from outside")
	case r.Edge.Bound() && (!methods[r.Edge.Method] || !edgePath.MatchString(r.Edge.Path)):
		return wrong("edge %q %q is not a method and a path of lower-case names and {members}", r.Edge.Method, r.Edge.Path)
	}
	for _, scope := range r.scopes() {
		if !scopeName.MatchString(scope) {
			return wrong("scope %q is not lower case with underscores", scope)
		}
	}
	return nil
}

// scopes are all scopes that the row knows.
func (r Row) scopes() identity.Scopes {
	return identity.NewScopes(append([]string{r.Scope}, r.OptionalScopes...)...)
}
