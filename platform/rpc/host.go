package rpc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
)

// Observer is told what happens at a host. It must be safe for concurrent use and must not block.
type Observer interface {
	Decided(ctx context.Context, d Decision)
	Called(ctx context.Context, o Outcome)
}

// Outcome is the record of one authorised call.
type Outcome struct {
	Module, Operation, Caller, Subject, Transaction string
	Duration                                        time.Duration
	Err                                             error // nil, or the fault with its cause: for this process's log alone
}

// Host serves one module's table in this process. It is safe for concurrent use.
type Host struct {
	module   string
	observer Observer
	now      func() time.Time
	known    identity.Scopes // what the table's rows speak of; principals are narrowed to it
	served   map[string]served
}

type served struct {
	Operation
	row    Row
	handle handler
}

// NewHost serves table with service. It fails where a row is incomplete, a type would not survive the wire, or table
// and interface do not match one to one: a module that is wrong in this way must not start.
func NewHost[S any](module string, table Table[S], service S, observer Observer, now func() time.Time) (*Host, error) {
	h := &Host{module: module, observer: observer, now: now, known: table.Scopes(), served: map[string]served{}}
	var problems []error
	for _, entry := range table {
		row := entry.Row()
		problems = append(problems, entry.check())
		if want := module + "." + entry.methodName(); row.Name != want {
			problems = append(problems, fmt.Errorf("operation %q is declared for the method of %q", row.Name, want))
		}
		if _, twice := h.served[row.Name]; twice {
			problems = append(problems, fmt.Errorf("operation %q is declared twice", row.Name))
		}
		h.served[row.Name] = served{entry, row, entry.bind(service)}
	}
	for i, methods := 0, reflect.TypeFor[S](); i < methods.NumMethod(); i++ {
		if name := module + "." + methods.Method(i).Name; h.served[name].handle == nil {
			problems = append(problems, fmt.Errorf("method %q has no row", name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("module %s cannot be hosted: %w", module, err)
	}
	return h, nil
}

// Module is the name of the module.
func (h *Host) Module() string { return h.module }

// Row is the row of the named operation.
func (h *Host) Row(operation string) (row Row, found bool) {
	serves, found := h.served[operation]
	return serves.row, found
}

// Strangers reports whether any operation is open to callers that have proven nothing.
func (h *Host) Strangers() bool {
	for _, serves := range h.served {
		if slices.Contains(serves.row.Callers, Stranger) {
			return true
		}
	}
	return false
}

// NotProven records that a call was refused before it could be decided on: the proof did not hold. caller is what the
// connection shows, by what is how it should have been proven.
func (h *Host) NotProven(ctx context.Context, operation, caller, transaction, by string) {
	if _, found := h.served[operation]; !found {
		operation = "" // what a caller makes up is not recorded
	}
	h.observer.Decided(ctx, Decision{
		At: h.now(), Module: h.module, Operation: operation, Caller: caller, Transaction: transaction, Reason: NotProven, Proof: by,
	})
}

// Grant is the permission to perform one call: authorization comes before the request is even read.
type Grant struct {
	host      *Host
	served    served
	principal identity.Principal
	user      identity.Credential
}

// Authorize decides whether the caller may perform the named operation, and records the Decision. Everything in p must
// have been proven by the transport.
func (h *Host) Authorize(ctx context.Context, operation string, p Proven) (Grant, error) {
	p.Scopes = p.Scopes.Intersect(h.known)
	serves, found := h.served[operation]
	reason, refusal := UnknownOperation, fault.New(fault.Unimplemented, "%s has no operation %q.", h.module, operation)
	if found {
		reason, refusal = serves.row.Authorize(p.Principal)
	}
	h.observer.Decided(ctx, Decision{h.now(), h.module, operation, p.Caller, p.Subject, p.Scopes, p.Transaction, reason, p.By})
	if refusal != nil {
		return Grant{}, refusal
	}
	return Grant{h, serves, p.Principal, p.User}, nil
}

// NewRequest is a pointer to a zero request of the granted operation.
func (g Grant) NewRequest() any { return g.served.NewRequest() }

// NewResponse is a pointer to a zero response of the granted operation.
func (g Grant) NewResponse() any { return g.served.NewResponse() }

// Call performs the granted call within the row's timeout and ctx's own deadline, and fills response.
// The service sees the principal and the deadline of ctx, and no other value of it; the user's credential is there for
// the calls that it makes itself. Errors are *fault.Error.
func (g Grant) Call(ctx context.Context, request, response any) error {
	started := g.host.now()
	ctx = identity.With(detached{ctx}, g.principal)
	if g.user != (identity.Credential{}) {
		ctx = identity.WithCredential(ctx, g.user)
	}
	ctx, cancel := context.WithTimeout(ctx, g.served.row.Timeout)
	defer cancel()
	err := g.perform(ctx, request, response)
	g.host.observer.Called(ctx, Outcome{
		Module: g.host.module, Operation: g.served.row.Name, Caller: g.principal.Caller, Subject: g.principal.Subject,
		Transaction: g.principal.Transaction, Duration: g.host.now().Sub(started), Err: err,
	})
	if err != nil {
		return fault.From(err).Public()
	}
	return nil
}

// perform keeps the deadline on both sides of the call: an answer that is late is no answer, as over a wire.
func (g Grant) perform(ctx context.Context, request, response any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s panicked: %v\n%s", g.served.row.Name, p, debug.Stack())
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	err = g.served.handle(ctx, request, response)
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended).Because(errors.Join(ended, err))
	}
	return err
}

// detached keeps a context's deadline and cancellation and hides its values: a wire carries none.
type detached struct{ context.Context }

func (detached) Value(any) any { return nil }

// AfterFunc lets package context propagate a cancellation without a goroutine of its own for every call.
func (d detached) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.Context, f) }

// Local reaches host in this process on behalf of caller.
func Local(host *Host, caller string) Conn { return local{host, caller} }

type local struct {
	host   *Host
	caller string
}

func (l local) Invoke(ctx context.Context, op Operation, request, response any) error {
	p := identity.From(ctx)
	p.Caller = l.caller
	grant, err := l.host.Authorize(ctx, op.Row().Name, Proven{Principal: p, By: InProcess})
	if err != nil {
		return err
	}
	return grant.Call(ctx, request, response)
}

// Unassigned is the Conn to a module that is neither hosted here nor given an address: every call fails at once.
func Unassigned(module string) Conn { return unassigned{module} }

type unassigned struct{ module string }

func (u unassigned) Invoke(context.Context, Operation, any, any) error {
	return fault.Retryable(30*time.Second, "The %s module is not part of this deployment: it is neither hosted in this process nor given an address. "+
		"Add it to server.modules, or set modules.%s.url.", u.module, u.module)
}
