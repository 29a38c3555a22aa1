package modulestest

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/gateway"
	"oms/modules/inventory"
	"oms/modules/order"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/platform/constraint"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpc/rpctest"
	"oms/platform/trust/direct"
)

// The matrix asks of every row who is refused, in one process and between processes. It is made from the rows: one that
// is added later is in it.
//
// What is expected is said here a second time, and not asked of Row.Authorize.

// leastCases and leastRefusals are how much the matrix at least consists of, so that an empty one does not pass.
const (
	leastCases    = 300
	leastRefusals = 240
)

// table is a module's operations, hosted with a service that does nothing: who is let in to it ends with an internal fault.
type table struct {
	host       *rpc.Host
	observer   *rpctest.Observer
	operations []rpc.Operation
}

func tableOf[S any](t *testing.T, module string, operations rpc.Table[S], nothing S) table {
	t.Helper()
	observer := &rpctest.Observer{}
	host, err := rpc.NewHost(module, operations, nothing, observer, time.Now)
	must(t, err)
	return table{host, observer, operations.Operations()}
}

func allTables(t *testing.T, d *domain) []table {
	t.Helper()
	tables := []table{
		tableOf[sts.Service](t, "sts", stshost.Operations(d.callees), struct{ sts.Service }{}),
		tableOf[order.Service](t, "order", order.Operations, struct{ order.Service }{}),
		tableOf[inventory.Service](t, "inventory", inventory.Operations, struct{ inventory.Service }{}),
		tableOf[rpctest.Probe](t, "probe", rpctest.ProbeTable, struct{ rpctest.Probe }{}),
	}
	for name := range stshost.Callees(modules.All) {
		if name != gateway.Name && !slices.ContainsFunc(tables, func(other table) bool { return other.host.Module() == name }) {
			t.Errorf("the module %s is not in the matrix", name)
		}
	}
	return tables
}

// attempt is one cell: somebody calls an operation.
type attempt struct {
	name      string
	operation rpc.Operation
	caller    string
	subject   string
	scopes    identity.Scopes
	spoilt    *spoilt // what is wrong with the proof; nil for nothing
	want      fault.Code
	letIn     bool // nothing but the request itself may be wrong with it
}

// codeOfLetIn is the code of what was let in: the service does nothing well, and is not even asked where the empty request
// breaks a rule of its own.
func codeOfLetIn(op rpc.Operation) fault.Code {
	rules, err := constraint.Of(reflect.TypeOf(op.NewRequest()).Elem())
	if err == nil && rules.Check(op.NewRequest()) != nil {
		return fault.InvalidArgument
	}
	return fault.Internal
}

// attempts are all cells of an operation, by the row that its host has.
func (d *domain) attempts(op rpc.Operation, to *rpc.Host, proofs []*spoilt) (all []attempt) {
	row, _ := to.Row(op.Row().Name)
	const executed = fault.Code("executed") // stands for codeOfLetIn
	add := func(name, caller, subject string, scopes identity.Scopes, want fault.Code) {
		if caller != gateway.Name { // which alone hears of users from outside; the others, what their own table knows
			scopes = scopes.Intersect(d.callees[caller].Scopes)
		}
		letIn := want == executed
		if letIn {
			want = codeOfLetIn(op)
		}
		all = append(all, attempt{name, op, caller, subject, scopes, nil, want, letIn})
	}
	for _, caller := range append(slices.Sorted(maps.Keys(d.callees)), rpc.Stranger) {
		if !slices.Contains(row.Callers, caller) {
			add("unlisted, for a user with every right", caller, "alice", d.userScopes, fault.PermissionDenied)
			add("unlisted, for nobody", caller, "", nil, fault.PermissionDenied)
			continue
		}
		nobody, without := executed, executed
		if row.Who == rpc.User {
			nobody = fault.Unauthenticated
		}
		if row.Scope != "" {
			without = fault.PermissionDenied
		}
		add("for nobody", caller, "", nil, nobody)
		add("for a user with every right", caller, "alice", d.userScopes, executed)
		add("for a user without rights", caller, "alice", identity.Scopes{}, without)
		add("for a user with every other right", caller, "alice",
			slices.DeleteFunc(slices.Clone(d.userScopes), func(s string) bool { return s == row.Scope }), without)
		for _, how := range proofs {
			if row.Proof == rpc.ByProfile && (how.can == nil || how.can(d, caller, to.Module())) {
				all = append(all, attempt{"the proof: " + how.name, op, caller, "alice", d.userScopes.Intersect(d.callees[caller].Scopes), how, fault.Unavailable, false})
			}
		}
	}
	return all
}

// answer is how a cell ended.
type answer struct {
	code     fault.Code
	decision []rpc.Record
	executed bool
}

func (c attempt) over(conn rpc.Conn, to table) answer {
	decided, called := len(to.observer.Decisions()), len(to.observer.Executed())
	ctx := identity.With(context.Background(), identity.Principal{
		Subject: c.subject, Scopes: c.scopes, Transaction: "0123456789abcdef0123456789abcdef",
	})
	_, err := c.operation.Invoke(ctx, conn, c.operation.NewRequest())
	return answer{fault.CodeOf(err), to.observer.Decisions()[decided:], len(to.observer.Executed()) > called}
}

func TestWhoIsRefusedInOneProcessIsRefusedBetweenProcesses(t *testing.T) {
	d := open(t, Probe())
	tables := allTables(t, d)
	for _, p := range profiles {
		t.Run(p.name, func(all *testing.T) {
			good, bad, proofs := newWay(all, d, p), newWay(all, d, p), spoiltProofs()[p.name]
			if len(proofs) == 0 {
				all.Error("nobody has said what this profile must refuse")
			}
			cases, refusals := 0, 0
			for _, table := range tables {
				for _, op := range table.operations {
					if op.Row().Timeout < time.Second {
						continue // so short that a slow machine could not tell a refusal from a late answer
					}
					for _, c := range d.attempts(op, table.host, proofs) {
						cases++
						if !c.letIn {
							refusals++
						}
						all.Run(op.Row().Name+" by "+c.caller+", "+c.name, func(t *testing.T) {
							if c.spoilt != nil {
								bad.mustRefuse(all, t, c, table) // with a memory of its own: what is wrong here must not be known there
							} else {
								good.mustAgree(all, t, c, table)
							}
						})
					}
				}
			}
			all.Logf("%d cases, %d of them refusals", cases, refusals)
			if cases < leastCases || refusals < leastRefusals {
				all.Errorf("%d cases with %d refusals are too few", cases, refusals)
			}
		})
	}
}

// mustRefuse makes the attempt wherever callers prove themselves.
func (w *way) mustRefuse(all, t *testing.T, c attempt, to table) {
	c.over(w.local(t, to.host, c.caller), to) // so that they have met: a first call is asked for another proof
	wrong := spoiling{w.Profile, w.domain, c.spoilt}
	local := c.over(proving{inProcess(to.host, c.caller, wrong), w, c.caller}, to)
	remote := c.over(w.remoteBy(all, to.host, c.caller, wrong), to)
	for where, got := range map[string]answer{"in a process of several": local, "between processes": remote} {
		if got.code != c.want || got.executed || len(got.decision) == 0 {
			t.Errorf("%s: %+v", where, got)
		}
		for _, d := range got.decision {
			if d.Reason != rpc.NotVerified || d.Subject != "" || len(d.Scopes) > 0 || d.Caller != c.caller {
				t.Errorf("%s: decision %+v", where, d)
			}
		}
	}
}

// mustAgree makes the attempt in one process, in a process of several, and between processes.
func (w *way) mustAgree(all, t *testing.T, c attempt, to table) {
	local := c.over(direct.Conn(to.host, c.caller), to)
	if local.code != c.want || local.executed != c.letIn || len(local.decision) != 1 {
		t.Errorf("in one process: %+v, want %s", local, c.want)
	}
	others := map[string]answer{"in a process of several": c.over(w.local(t, to.host, c.caller), to)}
	remote := c.over(w.remote(all, to.host, c.caller), to)
	if c.caller == rpc.Stranger && !to.host.Strangers() { // not even let in to the connection
		if remote.code != fault.Unavailable || remote.executed || len(remote.decision) > 0 {
			t.Errorf("a stranger: %+v", remote)
		}
	} else {
		others["between processes"] = remote
	}
	for where, got := range others {
		if got.code != local.code || got.executed != local.executed {
			t.Errorf("%s: %+v; in one process: %+v", where, got, local)
		}
		for _, d := range got.decision {
			mustDecideAlike(t, where, c, local.decision[0], d)
		}
	}
}

// mustDecideAlike compares what is on record: only how it was proven differs.
func mustDecideAlike(t *testing.T, where string, c attempt, local, got rpc.Record) {
	t.Helper()
	if got.Module != local.Module || got.Operation != local.Operation || got.Caller != local.Caller || got.Reason != local.Reason || got.Transaction != local.Transaction {
		t.Errorf("%s: decision %+v; in one process: %+v", where, got, local)
	}
	if got.Proof == rpc.ByConnection || got.Proof == rpc.ByNothing {
		return // it says who calls, and nothing about a user
	}
	if got.Subject != local.Subject || !slices.Equal(got.Scopes, local.Scopes) {
		t.Errorf("%s: decision for %q with %v; in one process: for %q with %v", where, got.Subject, got.Scopes, local.Subject, local.Scopes)
	}
}
