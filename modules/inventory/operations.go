package inventory

import (
	"net/http"
	"time"

	"oms/platform/rpc"
)

// The operations of the inventory. This table is its security review.
var (
	List = rpc.Define(Service.List, rpc.Row{
		Name:    "inventory.List",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Anyone, Sees: []string{ManageInventory},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
		Edge: rpc.Edge{Method: http.MethodGet, Path: "/inventory"},
	})
	Get = rpc.Define(Service.Get, rpc.Row{
		Name:    "inventory.Get",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.Anyone, Sees: []string{ManageInventory},
		Timeout: 2 * time.Second, Retry: rpc.Idempotent,
		Edge: rpc.Edge{Method: http.MethodGet, Path: "/inventory/{category}/{code}"},
	})
	Adjust = rpc.Define(Service.Adjust, rpc.Row{
		Name:    "inventory.Adjust",
		Callers: rpc.Callers("gateway"),
		Who:     rpc.User, Scope: ManageInventory,
		Timeout: 5 * time.Second, Retry: rpc.Never,
		Edge: rpc.Edge{Method: http.MethodPost, Path: "/inventory/{category}/{code}/adjustments"},
	})
	Reserve = rpc.Define(Service.Reserve, rpc.Row{
		Name:    "inventory.Reserve",
		Callers: rpc.Callers("order"),
		Who:     rpc.Workload,
		Timeout: 3 * time.Second, Retry: rpc.Idempotent, // by key and revision
	})
	Release = rpc.Define(Service.Release, rpc.Row{
		Name:    "inventory.Release",
		Callers: rpc.Callers("order"),
		Who:     rpc.Workload,
		Timeout: 3 * time.Second, Retry: rpc.Idempotent, // by key
	})
)

// Operations is the table: one row for each method of [Service].
var Operations = rpc.Table[Service]{List, Get, Adjust, Reserve, Release}
