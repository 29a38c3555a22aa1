package inventory

import (
	"net/http"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// The operations of the inventory. This table is its security review.
var (
	List = rpc.Define(Service.List, rpc.Row{
		Name:    "inventory.List",
		Summary: "List the products with their prices and what is available of them.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Anyone, OptionalScopes: []string{ManageInventory},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent, Large: true,
		Edge: rpc.Edge{Method: http.MethodGet, Path: "/inventory"},
	})
	Get = rpc.Define(Service.Get, rpc.Row{
		Name:    "inventory.Get",
		Summary: "Read a product with its price and what is available of it.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Anyone, OptionalScopes: []string{ManageInventory},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
		Edge:   rpc.Edge{Method: http.MethodGet, Path: "/inventory/{category}/{code}"},
		Errors: []fault.Code{fault.NotFound},
	})
	Adjust = rpc.Define(Service.Adjust, rpc.Row{
		Name:    "inventory.Adjust",
		Summary: "Add to what is on hand of a product, or take from it.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: ManageInventory,
		Timeout: 5 * time.Second, Retry: rpc.Never,
		Edge:      rpc.Edge{Method: http.MethodPost, Path: "/inventory/{category}/{code}/adjustments"},
		Errors:    []fault.Code{fault.InvalidArgument, fault.NotFound, fault.PreconditionFailed},
		Conflicts: []fault.Kind{OutOfStock},
	})
	Put = rpc.Define(Service.Put, rpc.Row{
		Name:    "inventory.Put",
		Summary: "Set the name, the price and the stock of a product, which is added where there is none.",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: ManageInventory,
		Timeout: 5 * time.Second, Retry: rpc.Never, // once more, it would undo what has happened between
		Edge:      rpc.Edge{Method: http.MethodPut, Path: "/inventory/{category}/{code}"},
		Errors:    []fault.Code{fault.InvalidArgument, fault.PreconditionFailed},
		Conflicts: []fault.Kind{OutOfStock},
	})
	Check = rpc.Define(Service.Check, rpc.Row{
		Name:    "inventory.Check",
		Summary: "Say which items could not be held now.",
		Callers: rpc.Callers("order"),
		Who:     rpc.Anyone,
		Timeout: time.Second, Retry: rpc.Idempotent, // it saves work; who hears nothing goes on without it
		Errors: []fault.Code{fault.InvalidArgument},
	})
	Reserve = rpc.Define(Service.Reserve, rpc.Row{
		Name:    "inventory.Reserve",
		Summary: "Hold items under a key, all or nothing.",
		Callers: rpc.Callers("order"),
		Who:     rpc.Anyone,                             // nobody is behind what the relay repeats
		Timeout: 3 * time.Second, Retry: rpc.Idempotent, // by key and revision
		Errors: []fault.Code{fault.InvalidArgument},
	})
	Release = rpc.Define(Service.Release, rpc.Row{
		Name:    "inventory.Release",
		Summary: "Give back what is held under a key.",
		Callers: rpc.Callers("order"),
		Who:     rpc.Anyone,
		Timeout: 3 * time.Second, Retry: rpc.Idempotent, // by key
		Errors: []fault.Code{fault.InvalidArgument},
	})
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{List, Get, Adjust, Put, Check, Reserve, Release}
