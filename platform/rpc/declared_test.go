package rpc_test

import (
	"context"
	"testing"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestARowDeclaresItsFailures(t *testing.T) {
	taken, other := fault.Kind{Name: "taken"}, fault.Kind{Name: "other"}
	row := rpc.Row{Errors: []fault.Code{fault.NotFound}, Conflicts: []fault.Kind{taken}}
	for failure, declared := range map[*fault.Error]bool{
		fault.New(fault.NotFound, ""):           true,
		fault.New(fault.InvalidArgument, ""):    false,
		fault.New(fault.PreconditionFailed, ""): false,
		fault.Conflicting(taken, ""):            true,
		fault.Conflicting(other, ""):            false,
		fault.New(fault.Unavailable, ""):        true,
		fault.New(fault.PermissionDenied, ""):   true,
	} {
		if row.Declares(failure) != declared {
			t.Errorf("%v: %v", failure, !declared)
		}
	}
}

// What the suites rely on to find a failure that no row declares.
func TestAnObserverTellsUndeclaredFailures(t *testing.T) {
	operations := rpctest.ProbeTable.Operations()
	name := operations[0].Row().Name
	var o rpctest.Observer
	o.Observe(context.Background(), rpc.Record{Executed: true, Operation: name})
	o.Observe(context.Background(), rpc.Record{Executed: true, Operation: "other.Operation", Err: fault.Conflicting(fault.Kind{Name: "other"}, "")})
	if got := o.Undeclared(operations); got != nil {
		t.Errorf("told of what is no failure of theirs: %q", got)
	}
	o.Observe(context.Background(), rpc.Record{Executed: true, Operation: name, Err: fault.Conflicting(fault.Kind{Name: "other"}, "")})
	if got := o.Undeclared(operations); len(got) != 1 {
		t.Errorf("got %q, want one sentence", got)
	}
}
