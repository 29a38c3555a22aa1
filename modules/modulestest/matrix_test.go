package modulestest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"oms/modules/gateway"
	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
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

// tables are those of every module that has operations, and the one for operators.
func (d *domain) tables() (tables []table) {
	add := func(module string, operations []rpc.Operation) {
		observer := &rpctest.Observer{}
		tables = append(tables, table{rpc.NewEmptyHost(module, operations, observer, time.Now), observer, operations})
	}
	add("sts", sts.OperatorOperations.Operations())
	for _, m := range d.modules {
		if operations := m.OperationsIn(d.modules); len(operations) > 0 {
			add(m.Name, operations)
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
	proof     *badProof // what is wrong with the proof; nil for nothing
	want      fault.Code
}

// executed is the code of what was let in.
const executed = fault.Internal

// attempts are all cells of an operation.
func (d *domain) attempts(op rpc.Operation, module string, proofs []*badProof) (all []attempt) {
	row := op.Row()
	add := func(name, caller, subject string, scopes identity.Scopes, want fault.Code) {
		if caller != gateway.Name { // which alone hears of users from outside; the others, what their own table knows
			scopes = scopes.Intersect(d.callees[caller].Scopes)
		}
		all = append(all, attempt{name, op, caller, subject, scopes, nil, want})
	}
	for _, caller := range append(slices.Sorted(maps.Keys(d.callees)), rpc.Anonymous) {
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
			if row.Proof == rpc.ByProfile && (how.can == nil || how.can(d, caller, module)) {
				all = append(all, attempt{"the proof: " + how.name, op, caller, "alice", d.userScopes.Intersect(d.callees[caller].Scopes), how, fault.Unavailable})
			}
		}
	}
	return all
}

// answer is how a cell ended.
type answer struct {
	code     fault.Code
	records  []rpc.Record
	executed bool
}

func (c attempt) over(conn rpc.Conn, to table) answer {
	decided, called := len(to.observer.Decided()), len(to.observer.Executed())
	ctx := identity.With(context.Background(), identity.Principal{
		Subject: c.subject, Scopes: c.scopes, Transaction: "0123456789abcdef0123456789abcdef",
	})
	_, err := c.operation.Invoke(ctx, conn, c.operation.NewRequest())
	return answer{fault.CodeOf(err), to.observer.Decided()[decided:], len(to.observer.Executed()) > called}
}

func TestWhoIsRefusedInOneProcessIsRefusedBetweenProcesses(t *testing.T) {
	d := open(t, Probe())
	tables := d.tables()
	for _, p := range system.Profiles {
		t.Run(p.Name, func(all *testing.T) {
			good, bad, proofs := newNetwork(all, d, p), newNetwork(all, d, p), badProofs()[p.Name]
			if len(proofs) == 0 {
				all.Error("nobody has said what this profile must refuse")
			}
			cases, refusals := 0, 0
			for _, table := range tables {
				for _, op := range table.operations {
					if op.Row().Timeout < time.Second {
						continue // so short that a slow machine could not tell a refusal from a late answer
					}
					for _, c := range d.attempts(op, table.host.Module(), proofs) {
						cases++
						if c.want != executed {
							refusals++
						}
						all.Run(op.Row().Name+" by "+c.caller+", "+c.name, func(t *testing.T) {
							if c.proof != nil {
								bad.expectRefused(all, t, c, table) // with a memory of its own: what is wrong here must not be known there
							} else {
								good.expectSame(all, t, c, table)
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

// expectRefused makes the attempt wherever callers prove themselves.
func (n *network) expectRefused(all, t *testing.T, c attempt, to table) {
	c.over(n.local(t, to.host, c.caller), to) // so that they have met: a first call is asked for another proof
	wrong := withBadProof{n.Profile, n.domain, c.proof}
	local := c.over(withCredential{rpctest.InProcess(to.host, c.caller, wrong), n, c.caller}, to)
	remote := c.over(n.remoteBy(all, to.host, c.caller, wrong), to)
	for where, got := range map[string]answer{"in a process of several": local, "between processes": remote} {
		if got.code != c.want || got.executed || len(got.records) == 0 {
			t.Errorf("%s: %+v", where, got)
		}
		for _, d := range got.records {
			if d.Reason != rpc.NotVerified || d.Subject != "" || len(d.Scopes) > 0 || d.Caller != c.caller {
				t.Errorf("%s: record %+v", where, d)
			}
		}
	}
}

// expectSame makes the attempt in one process, in a process of several, and between processes.
func (n *network) expectSame(all, t *testing.T, c attempt, to table) {
	local := c.over(direct.Conn(to.host, c.caller), to)
	if local.code != c.want || local.executed != (c.want == executed) || len(local.records) != 1 {
		t.Errorf("in one process: %+v, want %s", local, c.want)
	}
	others := map[string]answer{"in a process of several": c.over(n.local(t, to.host, c.caller), to)}
	remote := c.over(n.remote(all, to.host, c.caller), to)
	if c.caller == rpc.Anonymous && !to.host.AllowsAnonymous() { // not even let in to the connection
		if remote.code != fault.Unavailable || remote.executed || len(remote.records) > 0 {
			t.Errorf("a stranger: %+v", remote)
		}
	} else {
		others["between processes"] = remote
	}
	for where, got := range others {
		if got.code != local.code || got.executed != local.executed {
			t.Errorf("%s: %+v; in one process: %+v", where, got, local)
		}
		for _, d := range got.records {
			expectSameRecord(t, where, c, local.records[0], d)
		}
	}
}

// expectSameRecord compares what is on record: only how it was proven differs.
func expectSameRecord(t *testing.T, where string, c attempt, local, got rpc.Record) {
	t.Helper()
	if got.Module != local.Module || got.Operation != local.Operation || got.Caller != local.Caller || got.Reason != local.Reason || got.Transaction != local.Transaction {
		t.Errorf("%s: record %+v; in one process: %+v", where, got, local)
	}
	if got.Proof == rpc.ByConnection || got.Proof == rpc.ByNothing {
		return // it says who calls, and nothing about a user
	}
	if got.Subject != local.Subject || !slices.Equal(got.Scopes, local.Scopes) {
		t.Errorf("%s: record for %q with %v; in one process: for %q with %v", where, got.Subject, got.Scopes, local.Subject, local.Scopes)
	}
}
