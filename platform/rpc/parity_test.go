package rpc_test

import (
	"strings"
	"testing"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestEveryShapeBehavesTheSame(t *testing.T) {
	rpctest.Parity(t, rpctest.Shapes()...)
}

func TestAnUnassignedModuleFailsClosed(t *testing.T) {
	_, err := rpctest.Public.Call(rpctest.As("alice", "echo"), rpc.NewConn(rpc.ConnOptions{Caller: "gateway", Callee: "probe", Transport: rpc.Unassigned("probe")}), rpctest.Nothing{})
	failure := fault.From(err)
	if failure.Code != fault.Unavailable || failure.RetryAfter == 0 || !strings.Contains(failure.Detail, "server.modules") {
		t.Errorf("got %v, want unavailable, with what to do", failure)
	}
}
