package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/trusttest"
)

func TestACallInAProcessThatProvesItselfBehavesAsEveryOther(t *testing.T) {
	rpctest.Parity(t, rpctest.Shape{Name: "in process, proven", Connect: func(_ testing.TB, host *rpc.Host, caller string) rpc.Conn {
		return rpctest.InProcess(host, caller, &trusttest.Profile{})
	}})
}

func TestARefusalInAProcessIsARefusalOverTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		profile  *trusttest.Profile
		attempts int
		detail   string
	}{
		"proof":           {&trusttest.Profile{OnVerify: func(*rpc.Call) error { return rpc.NotProven("too old") }}, 1, "too old"},
		"proof, renewed":  {&trusttest.Profile{OnVerify: func(*rpc.Call) error { return rpc.NotProven("too old") }, OnRefused: func(*fault.Error) bool { return true }}, 2, "too old"},
		"another's proof": {&trusttest.Profile{Names: func(*rpc.Call) string { return "order" }}, 1, "issued to order, and the certificate is that of gateway"},
	} {
		host, observer := rpctest.NewProbe(t)
		_, err := rpctest.Whoami.Call(rpctest.As("alice"), rpctest.InProcess(host, "gateway", c.profile), rpctest.Nothing{})
		failure := fault.From(err)
		if failure.Code != fault.Unavailable || failure.RetryAfter != 2*time.Second || failure.Detail != "The probe module does not let this one in at the moment." {
			t.Errorf("%s: %v", name, err)
		}
		records := observer.Decided()
		if len(records) != c.attempts || c.profile.Attached() != c.attempts {
			t.Fatalf("%s: %d records, %d proofs for %d attempts", name, len(records), c.profile.Attached(), c.attempts)
		}
		d := records[0]
		if !strings.Contains(fmt.Sprint(d.Err), c.detail) {
			t.Errorf("%s: the callee records %v", name, d.Err)
		}
		if d.Reason != rpc.NotVerified || d.Proof != "test" || d.Caller != "gateway" || d.Operation != "probe.Whoami" || d.Transaction == "" {
			t.Errorf("%s: decision %+v", name, d)
		}
		if len(observer.Executed()) != 0 {
			t.Errorf("%s: the service was called", name)
		}
	}
}

func TestARenewedProofIsAcceptedInAProcess(t *testing.T) {
	host, observer := rpctest.NewProbe(t)
	refusals := 0
	profile := &trusttest.Profile{
		OnVerify: func(*rpc.Call) error {
			if refusals == 0 {
				return rpc.NotProven("too old")
			}
			return nil
		},
		OnRefused: func(*fault.Error) bool { refusals++; return true },
	}
	if _, err := rpctest.Whoami.Call(rpctest.As("alice"), rpctest.InProcess(host, "gateway", profile), rpctest.Nothing{}); err != nil {
		t.Error(err)
	}
	if len(observer.Executed()) != 1 {
		t.Errorf("executed %d times", len(observer.Executed()))
	}
}

func TestWhatAttachCannotDoIsTheCallersFault(t *testing.T) {
	host, observer := rpctest.NewProbe(t)
	profile := &trusttest.Profile{OnAttach: func(*rpc.Call) error {
		return fault.Retryable(time.Second, "The STS is away.").Because(errors.New("hunter2"))
	}}
	_, err := rpctest.Whoami.Call(rpctest.As("alice"), rpctest.InProcess(host, "gateway", profile), rpctest.Nothing{})
	if fault.From(err).Detail != "The STS is away." || strings.Contains(err.Error(), "hunter2") || len(observer.Decided()) != 0 {
		t.Errorf("got %v, records %v", err, observer.Decided())
	}
}

// leak is a context value that must not stand in for a proof.
type leak struct{}

type looking struct {
	*trusttest.Profile
	seen any
}

func (l *looking) Verify(ctx context.Context, c *rpc.Call) (rpc.Proven, error) {
	l.seen = ctx.Value(leak{})
	return l.Profile.Verify(ctx, c)
}

func TestVerifySeesNothingOfTheCallersContext(t *testing.T) {
	host, _ := rpctest.NewProbe(t)
	profile := &looking{Profile: &trusttest.Profile{}}
	ctx := context.WithValue(rpctest.As("alice"), leak{}, "secret")
	if _, err := rpctest.Whoami.Call(ctx, rpctest.InProcess(host, "gateway", profile), rpctest.Nothing{}); err != nil || profile.seen != nil {
		t.Errorf("err %v, seen %v", err, profile.seen)
	}
}
