package host_test

import (
	"log/slog"
	"testing"
	"time"

	"oms/modules/order"
	"oms/modules/order/host"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/direct"
)

// FuzzListCursor: a cursor that somebody makes up is malformed or leads to a page; it is never a defect of ours, and never
// shows what is not the caller's.
func FuzzListCursor(f *testing.F) {
	orders, err := host.New(f.Context(), host.Options{
		Env: module.Env{
			Store: databasetest.Open(f, "order"), Conn: rpctest.Conns(map[string]rpc.Conn{"inventory": rpc.NewConn(rpc.ConnOptions{Caller: "order", Callee: "inventory", Transport: rpc.Unassigned("inventory")})}),
			Observer: &rpctest.Observer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		},
		Settings: host.Settings{PublicRead: true, PendingTimeout: time.Minute},
	})
	if err != nil {
		f.Fatal(err)
	}
	client := order.Client{Conn: direct.Conn(orders.Host, "gateway")}
	ctx := identity.With(f.Context(), identity.Principal{Subject: "alice", Scopes: identity.NewScopes(order.AddOrder), Transaction: "0123456789abcdef0123456789abcdef"})
	for _, seed := range []string{"", "MDE5M2E1ZTAtN2IzYy03ZDRlLThmMDAtMTIzNDU2Nzg5YWJj", "' OR 1=1 --", "////", "AA==", "\x00", "MDE5M2E1ZTA"} {
		f.Add(seed, int64(20))
	}
	f.Add("", int64(0))
	f.Add("", int64(-1<<63))
	f.Add("", int64(1<<62))
	f.Fuzz(func(t *testing.T, after string, limit int64) {
		page, err := client.List(ctx, order.ListRequest{After: after, Limit: &limit})
		if code := fault.CodeOf(err); err != nil && code != fault.Malformed && code != fault.InvalidArgument {
			t.Fatal(err)
		}
		if len(page.Data) > 0 || page.HasMore || page.Next != nil {
			t.Fatalf("a page of nobody's orders: %+v", page)
		}
	})
}
