package order

import (
	"net/http"
	"time"

	"oms/platform/rpc"
)

// The operations of orders. This table is their security review.
var (
	Create = rpc.Define(Service.Create, rpc.Row{
		Name:    "order.Create",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: AddOrder,
		Timeout: 5 * time.Second, Retry: rpc.Never, // a request without an id places another order each time
		Edge: rpc.Edge{Method: http.MethodPost, Path: "/order", Success: http.StatusCreated, Location: "/order/{id}"},
	})
	Get = rpc.Define(Service.Get, rpc.Row{
		Name:    "order.Get",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Anyone, Sees: []string{ViewOrders},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
		Edge: rpc.Edge{Method: http.MethodGet, Path: "/order/{id}"},
	})
	List = rpc.Define(Service.List, rpc.Row{
		Name:    "order.List",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, AnySignedIn: true, Sees: []string{ViewOrders},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
		Edge: rpc.Edge{Method: http.MethodGet, Path: "/order"},
	})
	Update = rpc.Define(Service.Update, rpc.Row{
		Name:    "order.Update",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: UpdateOrder,
		Timeout: 5 * time.Second, Retry: rpc.Idempotent, // by its content
		Edge: rpc.Edge{Method: http.MethodPut, Path: "/order/{id}"},
	})
	Cancel = rpc.Define(Service.Cancel, rpc.Row{
		Name:    "order.Cancel",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: CancelOrder,
		Timeout: 5 * time.Second, Retry: rpc.Never, // an id comes back: a late repetition would cancel another order
		Edge: rpc.Edge{Method: http.MethodDelete, Path: "/order/{id}"},
	})
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{Create, Get, List, Update, Cancel}
