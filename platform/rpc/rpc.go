// Package rpc declares operations once and calls them anywhere.
//
// A module publishes a Go interface and a [Table] that has one [Row] for each of its methods. A [Host] serves the
// table with an implementation; a [Conn] reaches it. Callers hold a client over a Conn and cannot tell where the
// module lives. A Conn is one pipeline over a [Transport]: within the process [Local], or one between
// processes.
//
// Whatever the Conn: the same function authorises (see [Row.Authorize]), request and response are copies that a JSON
// round trip would not change, the deadline is kept on the way in and checked on the way out, every authorization
// leaves a [Record], and every failure is a *fault.Error without its cause.
//
// The package knows no HTTP and no tokens: how a remote caller proves itself is the business of the transport.
package rpc

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"oms/platform/constraint"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Operation is one row with its types: what a transport or the edge needs to know. It is immutable.
type Operation interface {
	Row() Row
	NewRequest() any  // a pointer to a zero request
	NewResponse() any // a pointer to a zero response
	// Invoke calls the operation over conn; request is a pointer as NewRequest gives it, so is the response.
	Invoke(ctx context.Context, conn Conn, request any) (response any, err error)
}

// Conn reaches one module on behalf of one caller. It is safe for concurrent use.
type Conn interface {
	// Invoke performs one operation for the principal in ctx. request points to a copy that the callee may keep;
	// response is filled with one that the caller may keep. Errors are *fault.Error.
	Invoke(ctx context.Context, op Operation, request, response any) error
}

// Op is an operation of the service S.
type Op[S, Req, Resp any] struct {
	row      Row
	method   func(S, context.Context, Req) (Resp, error)
	request  copier
	response copier
	rules    *constraint.Rules // of the request
	broken   error             // why this operation cannot be hosted; told by [NewHost]
}

// Define declares the operation of a method: Define(Service.Create, Row{...}).
// What is wrong with the row or the types is told when a host is made of it.
func Define[S, Req, Resp any](method func(S, context.Context, Req) (Resp, error), row Row) *Op[S, Req, Resp] {
	request, requestErr := newCopier(reflect.TypeFor[Req]())
	response, responseErr := newCopier(reflect.TypeFor[Resp]())
	if err := errors.Join(row.check(), requestErr, responseErr); err != nil {
		return &Op[S, Req, Resp]{row: row, method: method, broken: err}
	}
	rules, err := constraint.Of(reflect.TypeFor[Req]())
	return &Op[S, Req, Resp]{row, method, request, response, rules, err}
}

// Call performs the operation over c: it is the body of the client's one-line method.
func (o *Op[S, Req, Resp]) Call(ctx context.Context, c Conn, request Req) (Resp, error) {
	var copied Req
	var response Resp
	if o.broken != nil {
		return response, fault.From(o.broken)
	}
	if err := o.request(reflect.ValueOf(&copied).Elem(), reflect.ValueOf(&request).Elem()); err != nil {
		return response, fault.New(fault.Malformed, "The request cannot be sent: %v.", err)
	}
	if err := c.Invoke(ctx, o, &copied, &response); err != nil {
		var none Resp
		return none, fault.From(err)
	}
	return response, nil
}

// Row is the operation's row.
func (o *Op[S, Req, Resp]) Row() Row { return o.row }

// Rule is the rule of a member of the request, by the JSON names that lead to it.
func (o *Op[S, Req, Resp]) Rule(path ...string) *constraint.Rule { return o.rules.Member(path...) }

// Problems is everything that a request breaks the rules with; a call refuses it for the same.
func (o *Op[S, Req, Resp]) Problems(request Req) []fault.Field { return o.rules.Problems(&request) }

// NewRequest is a pointer to a zero request.
func (o *Op[S, Req, Resp]) NewRequest() any { return new(Req) }

// NewResponse is a pointer to a zero response.
func (o *Op[S, Req, Resp]) NewResponse() any { return new(Resp) }

// Invoke is Call for callers that know the operation only as an [Operation].
func (o *Op[S, Req, Resp]) Invoke(ctx context.Context, conn Conn, request any) (any, error) {
	response, err := o.Call(ctx, conn, *request.(*Req))
	return &response, err
}

// Entry is an operation of the service S, ready to be hosted.
type Entry[S any] interface {
	Operation
	bind(service S) handler
	check() error
	calledBy(callers []string) Entry[S]
	methodName() string
}

// Table holds the operations of the service S: one for each method of its interface.
type Table[S any] []Entry[S]

// Operations are the table's operations without their service.
func (t Table[S]) Operations() []Operation {
	operations := make([]Operation, len(t))
	for i, entry := range t {
		operations[i] = entry
	}
	return operations
}

// Scopes are all scopes that the table's rows speak of: a principal's others mean nothing to the module.
func (t Table[S]) Scopes() (known identity.Scopes) {
	for _, entry := range t {
		known = identity.NewScopes(append(known, entry.Row().scopes()...)...)
	}
	return known
}

// Callers are all workloads that may call the module with what a trust profile proves: whom tokens for it are issued to.
func (t Table[S]) Callers() (callers []string) {
	for _, entry := range t {
		if row := entry.Row(); row.Proof == ByProfile {
			callers = append(callers, row.Callers...)
		}
	}
	slices.Sort(callers)
	return slices.Compact(callers)
}

// handler executes one operation on its service: response is filled with a copy.
type handler func(ctx context.Context, request, response any) error

func (o *Op[S, Req, Resp]) bind(service S) handler {
	return func(ctx context.Context, request, response any) error {
		typed, matches := request.(*Req)
		filled, matchesToo := response.(*Resp)
		if !matches || !matchesToo {
			return fault.New(fault.Unimplemented, "%s is not served with these types here.", o.row.Name)
		}
		if err := o.rules.Check(typed); err != nil {
			return err
		}
		answer, err := o.method(service, ctx, *typed)
		if err != nil {
			return err
		}
		return o.response(reflect.ValueOf(filled).Elem(), reflect.ValueOf(&answer).Elem())
	}
}

func (o *Op[S, Req, Resp]) check() error { return o.broken }

// methodName is the name of the interface method that the operation was defined with: "Create" of Service.Create.
func (o *Op[S, Req, Resp]) methodName() string {
	name := runtime.FuncForPC(reflect.ValueOf(o.method).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}
