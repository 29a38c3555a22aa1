package rpc_test

import (
	"slices"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/direct"
)

func TestCallersThatFollowFromTheModulesAreResolved(t *testing.T) {
	row := func(callers ...string) rpc.Row {
		return rpc.Row{Name: "tiny.Do", Callers: callers, Who: rpc.Workload, Proof: rpc.ByCertificate, Timeout: time.Second}
	}
	workloads, callers := []string{"sts", "order", "shipping"}, []string{"order", "gateway"}
	for _, c := range []struct{ listed, want []string }{
		{rpc.Callers(rpc.EveryWorkload), []string{"order", "shipping", "sts"}},
		{rpc.Callers(rpc.EveryCaller), []string{"gateway", "order"}},
		{rpc.Callers(rpc.EveryCaller, "order", rpc.EveryWorkload, "billing"), []string{"billing", "gateway", "order", "shipping", "sts"}},
		{rpc.Callers("order"), []string{"order"}},
	} {
		do := rpc.Define(tiny.Do, row(c.listed...))
		host, err := rpc.NewHost[tiny]("tiny", rpc.Table[tiny]{do}.Resolve(workloads, callers), tinyService{}, &rpctest.Observer{}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if resolved, _ := host.Row("tiny.Do"); !slices.Equal(resolved.Callers, c.want) || !slices.Equal(do.Row().Callers, c.listed) {
			t.Errorf("%q became %q, and is %q", c.listed, resolved.Callers, do.Row().Callers)
		}
		for _, caller := range []string{"billing", "gateway", "order", "shipping", "sts", "", rpc.EveryWorkload, rpc.EveryCaller} {
			_, err := do.Call(t.Context(), direct.Conn(host, caller), rpctest.Nothing{})
			if slices.Contains(c.want, caller) != (err == nil) || err != nil && fault.CodeOf(err) != fault.PermissionDenied {
				t.Errorf("%q, by %q: %v", c.listed, caller, err)
			}
		}
	}
	nobody := rpc.Table[tiny]{rpc.Define(tiny.Do, row(rpc.EveryCaller))}.Resolve(workloads, nil)
	if _, err := rpc.NewHost[tiny]("tiny", nobody, tinyService{}, &rpctest.Observer{}, time.Now); err == nil {
		t.Error("a row that nobody may call started")
	}
}
