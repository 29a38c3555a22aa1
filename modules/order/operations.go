package order

import (
	"net/http"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// The operations of orders. This table is their security review.
var (
	Create = rpc.Define(Service.Create, rpc.Row{
		Name:    "order.Create",
		Summary: "Place an order: all of its items are reserved, or nothing is.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: AddOrder, OptionalScopes: []string{ViewOrders},
		Timeout: 5 * time.Second, Retry: rpc.Never, // a request without an id places another order each time
		Edge:      rpc.Edge{Method: http.MethodPost, Path: "/order", Success: http.StatusCreated, Location: "/order/{id}"},
		Errors:    []fault.Code{fault.InvalidArgument},
		Conflicts: []fault.Kind{OrderExists, OutOfStock},
	})
	Get = rpc.Define(Service.Get, rpc.Row{
		Name:    "order.Get",
		Summary: "Read an order, as far as the caller may see it.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Anyone, OptionalScopes: []string{ViewOrders},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
		Edge:   rpc.Edge{Method: http.MethodGet, Path: "/order/{id}"},
		Errors: []fault.Code{fault.NotFound},
	})
	List = rpc.Define(Service.List, rpc.Row{
		Name:    "order.List",
		Summary: "List the caller's own orders, or everybody's, newest first.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, AnySignedIn: true, OptionalScopes: []string{ViewOrders},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent, Large: true,
		Edge: rpc.Edge{Method: http.MethodGet, Path: "/order"},
	})
	Update = rpc.Define(Service.Update, rpc.Row{
		Name:    "order.Update",
		Summary: "Replace the name and the items of an order.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: UpdateOrder, OptionalScopes: []string{ViewOrders},
		Timeout: 5 * time.Second, Retry: rpc.Idempotent, // by its content
		Edge:      rpc.Edge{Method: http.MethodPut, Path: "/order/{id}"},
		Errors:    []fault.Code{fault.InvalidArgument, fault.NotFound},
		Conflicts: []fault.Kind{IllegalTransition, OutOfStock, UpdateInProgress},
	})
	Cancel = rpc.Define(Service.Cancel, rpc.Row{
		Name:    "order.Cancel",
		Summary: "Cancel an order and give its items back to the stock.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: CancelOrder, OptionalScopes: []string{ViewOrders},
		Timeout: 5 * time.Second, Retry: rpc.Never, // an id comes back: a late repetition would cancel another order
		Edge:      rpc.Edge{Method: http.MethodDelete, Path: "/order/{id}"},
		Errors:    []fault.Code{fault.NotFound},
		Conflicts: []fault.Kind{IllegalTransition},
	})
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{Create, Get, List, Update, Cancel}
