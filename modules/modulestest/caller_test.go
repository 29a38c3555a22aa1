package modulestest

import (
	"context"
	"testing"
	"time"

	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// ledger is a module that inventory calls, which calls nobody else.
type ledger interface {
	Note(context.Context, rpctest.Nothing) (rpctest.Nothing, error)
	Sign(context.Context, rpctest.Nothing) (rpctest.Nothing, error)
}

var (
	note        = rpc.Define(ledger.Note, rpc.Row{Name: "ledger.Note", Callers: rpc.Callers("inventory"), Who: rpc.Workload, Timeout: time.Minute})
	sign        = rpc.Define(ledger.Sign, rpc.Row{Name: "ledger.Sign", Callers: rpc.Callers("inventory"), Who: rpc.User, Scope: "manage_inventory", Timeout: time.Minute})
	ledgerTable = rpc.Table[ledger]{note, sign}
)

type anyLedger struct{}

func (anyLedger) Note(context.Context, rpctest.Nothing) (rpctest.Nothing, error) {
	return rpctest.Nothing{}, nil
}

func (anyLedger) Sign(context.Context, rpctest.Nothing) (rpctest.Nothing, error) {
	return rpctest.Nothing{}, nil
}

// Who may ask the STS for proofs follows from who is listed as a caller: to list a workload that called nobody before is
// enough.
func TestWhoIsListedAsACallerGetsItsProofs(t *testing.T) {
	options := Options{Modules: []module.Module{{Name: "ledger", Tables: []module.Table{ledgerTable}}}}
	for _, shape := range Proven(t, options) {
		t.Run(shape.Name, func(t *testing.T) {
			observer := &rpctest.Observer{}
			host, err := rpc.NewHost[ledger]("ledger", ledgerTable, anyLedger{}, observer, time.Now)
			must(t, err)
			conn := shape.Connect(t, host, "inventory")
			_, err = note.Call(t.Context(), conn, rpctest.Nothing{})
			must(t, err)
			ctx := identity.With(t.Context(), identity.Principal{
				Subject: "alice", Scopes: identity.NewScopes("manage_inventory"), Transaction: identity.NewTransaction(),
			})
			_, err = sign.Call(ctx, conn, rpctest.Nothing{})
			must(t, err)
			if got := observer.Executed(); len(got) != 2 || got[0].Caller != "inventory" || got[1].Caller != "inventory" || got[1].Subject != "alice" {
				t.Errorf("executed %+v", got)
			}
		})
	}
}
