package rpc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"oms/platform/identity"
)

// Host serves one module's table in this process. It is safe for concurrent use.
type Host struct {
	module   string
	observer Observer
	now      func() time.Time
	known    identity.Scopes // what the table's rows speak of; principals are narrowed to it
	served   map[string]*served
}

type served struct {
	Operation
	row    Row
	handle handler
}

// NewHost serves table with service. It fails where a row is incomplete, a type would not survive the wire, or table
// and interface do not match one to one: a module that is wrong in this way must not start.
func NewHost[S any](module string, table Table[S], service S, observer Observer, now func() time.Time) (*Host, error) {
	h := &Host{module: module, observer: observer, now: now, known: table.Scopes(), served: map[string]*served{}}
	var problems []error
	for _, entry := range table {
		row := entry.Row()
		problems = append(problems, entry.check())
		if want := module + "." + entry.methodName(); row.Name != want {
			problems = append(problems, fmt.Errorf("operation %q is declared for the method of %q", row.Name, want))
		}
		if slices.ContainsFunc(row.Callers, unresolved) {
			problems = append(problems, fmt.Errorf("operation %q lists %q, and nobody has said who that is", row.Name, row.Callers))
		}
		if _, twice := h.served[row.Name]; twice {
			problems = append(problems, fmt.Errorf("operation %q is declared twice", row.Name))
		}
		h.served[row.Name] = &served{entry, row, entry.bind(service)}
	}
	for i, methods := 0, reflect.TypeFor[S](); i < methods.NumMethod(); i++ {
		if name := module + "." + methods.Method(i).Name; h.served[name] == nil {
			problems = append(problems, fmt.Errorf("method %q has no row", name))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("module %s cannot be hosted: %w", module, err)
	}
	return h, nil
}

// NewEmptyHost hosts operations without a service: every call is decided on as in a process that has one, and none that is
// let in is executed. It shows what a table allows.
func NewEmptyHost(module string, operations []Operation, observer Observer, now func() time.Time) *Host {
	h := &Host{module: module, observer: observer, now: now, served: map[string]*served{}}
	for _, op := range operations {
		row := op.Row()
		h.known = identity.NewScopes(append(h.known, row.scopes()...)...)
		h.served[row.Name] = &served{op, row, func(context.Context, any, any) error { return errNoService }}
	}
	return h
}

var errNoService = errors.New("there is no service behind this table")

// Module is the name of the module.
func (h *Host) Module() string { return h.module }

// Row is the row of the named operation.
func (h *Host) Row(operation string) (row Row, found bool) {
	serves, found := h.served[operation]
	if !found {
		return Row{}, false
	}
	return serves.row, true
}

// AllowsAnonymous reports whether any operation is open to callers that have proven nothing.
func (h *Host) AllowsAnonymous() bool {
	for _, serves := range h.served {
		if slices.Contains(serves.row.Callers, Anonymous) {
			return true
		}
	}
	return false
}
