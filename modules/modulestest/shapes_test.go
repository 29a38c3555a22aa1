package modulestest_test

import (
	"context"
	"strings"
	"testing"

	"oms/modules/modulestest"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestCallsThatAreProvenBehaveAsEveryOther(t *testing.T) {
	rpctest.Parity(t, modulestest.Proven(t, modulestest.Probe())...)
}

// everyShape runs test over every shape in which callers prove themselves.
func everyShape(t *testing.T, caller string, test func(t *testing.T, shape string, conn rpc.Conn, observer *rpctest.Observer)) {
	t.Helper()
	for _, shape := range modulestest.Proven(t, modulestest.Probe()) {
		t.Run(shape.Name, func(t *testing.T) {
			host, observer := rpctest.NewProbe(t)
			test(t, shape.Name, shape.Connect(t, host, caller), observer)
		})
	}
}

// A shape that believed its caller would prove nothing about the profile in its name.
func TestAShapeProvesItsCallersByItsProfile(t *testing.T) {
	everyShape(t, "gateway", func(t *testing.T, shape string, conn rpc.Conn, observer *rpctest.Observer) {
		if _, err := rpctest.Echo.Call(rpctest.As("alice", "echo"), conn, rpctest.Message{}); err != nil {
			t.Fatal(err)
		}
		records, times := observer.Decided(), 1
		if strings.HasSuffix(shape, "made twice") {
			times = 2
		}
		if len(records) != times {
			t.Errorf("%d records, want %d", len(records), times)
		}
		for _, d := range records {
			if !strings.Contains(shape, ", "+d.Proof) || d.Proof == "" {
				t.Errorf("proven by %q", d.Proof)
			}
		}
	})
}

func TestAnotherIssuersUserArrivesUnderItsOwnName(t *testing.T) {
	everyShape(t, "order", func(t *testing.T, _ string, conn rpc.Conn, _ *rpctest.Observer) {
		eve := identity.External(modulestest.Foreign, "eve")
		seen, err := rpctest.Whoami.Call(rpctest.As(eve), conn, rpctest.Nothing{})
		if err != nil || seen.Subject != eve || seen.Caller != "order" {
			t.Errorf("seen %+v, %v", seen, err)
		}
	})
}

// What a service says about its user is worth nothing: it has the credential of who called it, or none.
func TestAServiceIsGivenNoCredential(t *testing.T) {
	everyShape(t, "order", func(t *testing.T, _ string, conn rpc.Conn, _ *rpctest.Observer) {
		ctx := identity.With(context.Background(), identity.Principal{Subject: "alice", Caller: "gateway"})
		if _, err := rpctest.Whoami.Call(ctx, conn, rpctest.Nothing{}); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("got %v, want unauthenticated", err)
		}
	})
}
