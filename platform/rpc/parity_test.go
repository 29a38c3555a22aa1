package rpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpc/rpctest"
)

func newProbe(t *testing.T) (*rpc.Host, *rpctest.Observer) {
	t.Helper()
	observer := &rpctest.Observer{}
	host, err := rpc.NewHost[probe]("probe", probeTable, prober{}, observer, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return host, observer
}

// everyShape runs test over every way to reach the probe, for the given caller.
func everyShape(t *testing.T, caller string, test func(t *testing.T, conn rpc.Conn, observer *rpctest.Observer)) {
	t.Helper()
	for _, shape := range rpctest.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			host, observer := newProbe(t)
			test(t, shape.Connect(t, host, caller), observer)
		})
	}
}

func as(subject string, scopes ...string) context.Context {
	return identity.With(context.Background(), identity.Principal{
		Subject: subject, Caller: "forged", Scopes: identity.NewScopes(scopes...), Transaction: "0123456789abcdef0123456789abcdef",
	})
}

func TestWhatTheServiceSeesIsTheSameInEveryShape(t *testing.T) {
	everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, _ *rpctest.Observer) {
		ctx := context.WithValue(as("alice", "echo", "see_all", "unknown_here"), leakedKey{}, "secret")
		got, err := opWhoami.Call(ctx, conn, nothing{})
		if err != nil {
			t.Fatal(err)
		}
		want := principal{Subject: "alice", Caller: "gateway", Scopes: []string{"echo", "see_all"}, Transaction: "0123456789abcdef0123456789abcdef", Deadline: true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("principal (-want +got):", diff)
		}
	})
}

func TestMessagesSurviveUnchangedAndUnshared(t *testing.T) {
	five := int64(5)
	sent := message{
		Text: "a/b%2f\u2028<ü>", Number: 1 << 62, At: time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.FixedZone("CET", 3600)), Maybe: &five,
		List: []string{}, Absent: []string{}, Parts: []part{{true}}, Named: map[string]string{"": "empty"}, Bytes: []byte{0, 255},
	}
	want := sent
	want.At, want.Absent = sent.At.UTC(), nil
	everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, _ *rpctest.Observer) {
		got, err := opEcho.Call(as("alice", "echo"), conn, sent)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("(-want +got):", diff)
		}
		if got.At.Location() != time.UTC {
			t.Errorf("time in %v, want UTC", got.At.Location())
		}
		got.Parts[0].Flag, got.Named[""], *got.Maybe = false, "changed", 6
		if !sent.Parts[0].Flag || sent.Named[""] != "empty" || five != 5 {
			t.Error("the answer shares memory with the request")
		}
	})
}

func TestTextThatIsNotUTF8IsRefused(t *testing.T) {
	everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, observer *rpctest.Observer) {
		_, err := opEcho.Call(as("alice", "echo"), conn, message{Text: "a\xff"})
		if got := fault.CodeOf(err); got != fault.Malformed {
			t.Errorf("code %q, want malformed", got)
		}
		if len(observer.Outcomes()) != 0 {
			t.Error("the service was called")
		}
	})
}

func TestFaultsAreTheSameInEveryShapeAndKeepTheirCauseToThemselves(t *testing.T) {
	requested, available := int64(3), int64(1)
	wants := map[string]*fault.Error{
		"plain":    {Code: fault.Internal},
		"panic":    {Code: fault.Internal},
		"late":     {Code: fault.DeadlineExceeded},
		"gone":     {Code: fault.Canceled},
		"retry":    {Code: fault.Unavailable, Detail: "Later.", RetryAfter: 2 * time.Second},
		"conflict": {Code: fault.Conflict, Type: "out-of-stock", Detail: "Too few.", Fields: []fault.Field{{Detail: "short", Pointer: "/items/0", Requested: &requested, Available: &available}}},
	}
	for _, code := range []fault.Code{fault.Malformed, fault.InvalidArgument, fault.Unauthenticated, fault.PermissionDenied, fault.NotFound,
		fault.MethodNotAllowed, fault.PreconditionFailed, fault.TooLarge, fault.UnsupportedMedia, fault.RateLimited, fault.Unimplemented, fault.Unavailable} {
		wants[string(code)] = &fault.Error{Code: code, Detail: "As asked."}
	}
	everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, observer *rpctest.Observer) {
		for how, want := range wants {
			_, err := opFail.Call(as(""), conn, failure{how})
			got := fault.From(err)
			if want.Detail == "" && got.Detail != "" {
				want.Detail = got.Detail // the sentence is the fault package's own, and must be the same in each shape
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(fault.Error{})); diff != "" {
				t.Errorf("%s (-want +got): %s", how, diff)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the cause reached the caller: %v", how, err)
			}
		}
		if outcomes := observer.Outcomes(); len(outcomes) != len(wants) {
			t.Errorf("%d outcomes for %d calls", len(outcomes), len(wants))
		}
	})
}

func TestADeadlineIsKeptOnTheWayOutToo(t *testing.T) {
	everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, _ *rpctest.Observer) {
		_, err := opLinger.Call(as(""), conn, nothing{})
		if got := fault.CodeOf(err); got != fault.DeadlineExceeded {
			t.Errorf("a late answer gave code %q, want deadline_exceeded", got)
		}
		ended, cancel := context.WithCancel(as(""))
		cancel()
		_, err = opPublic.Call(ended, conn, nothing{})
		if got := fault.CodeOf(err); got != fault.Canceled {
			t.Errorf("a call after the caller left gave code %q, want canceled", got)
		}
	})
}

// The negative matrix: for each operation, who may not call it, and what the decision says.
func TestDecisionsAreTheSameInEveryShape(t *testing.T) {
	type call struct {
		name   string
		caller string
		ctx    context.Context
		do     func(context.Context, rpc.Conn) error
		code   fault.Code
		want   rpc.Decision
	}
	transaction := identity.From(as("")).Transaction
	echo := func(ctx context.Context, c rpc.Conn) error { _, err := opEcho.Call(ctx, c, message{}); return err }
	whoami := func(ctx context.Context, c rpc.Conn) error { _, err := opWhoami.Call(ctx, c, nothing{}); return err }
	work := func(ctx context.Context, c rpc.Conn) error { _, err := opWork.Call(ctx, c, nothing{}); return err }
	calls := []call{
		{"allowed", "gateway", as("alice", "echo", "other"), echo, "", rpc.Decision{Operation: "probe.Echo", Caller: "gateway", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.Allowed}},
		{"nobody", "gateway", as(""), echo, fault.Unauthenticated, rpc.Decision{Operation: "probe.Echo", Caller: "gateway", Reason: rpc.NoUser}},
		{"no scope", "gateway", as("alice", "see_all"), echo, fault.PermissionDenied, rpc.Decision{Operation: "probe.Echo", Caller: "gateway", Subject: "alice", Scopes: identity.NewScopes("see_all"), Reason: rpc.ScopeMissing}},
		{"unlisted caller", "inventory", as("alice", "echo"), echo, fault.PermissionDenied, rpc.Decision{Operation: "probe.Echo", Caller: "inventory", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.CallerNotListed}},
		{"no caller", "", as("alice", "echo"), echo, fault.PermissionDenied, rpc.Decision{Operation: "probe.Echo", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.CallerNotListed}},
		{"any user", "order", as("alice"), whoami, "", rpc.Decision{Operation: "probe.Whoami", Caller: "order", Subject: "alice", Reason: rpc.Allowed}},
		{"any user, but nobody", "order", as(""), whoami, fault.Unauthenticated, rpc.Decision{Operation: "probe.Whoami", Caller: "order", Reason: rpc.NoUser}},
		{"workload", "order", as(""), work, "", rpc.Decision{Operation: "probe.Work", Caller: "order", Reason: rpc.Allowed}},
		{"gateway is not that workload", "gateway", as("alice", "echo"), work, fault.PermissionDenied, rpc.Decision{Operation: "probe.Work", Caller: "gateway", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.CallerNotListed}},
	}
	for _, c := range calls {
		c.want.Module, c.want.Transaction = "probe", transaction
		everyShape(t, c.caller, func(t *testing.T, conn rpc.Conn, observer *rpctest.Observer) {
			if got := fault.CodeOf(c.do(c.ctx, conn)); got != c.code {
				t.Errorf("%s: code %q, want %q", c.name, got, c.code)
			}
			decisions := observer.Decisions()
			if len(decisions) == 0 {
				t.Fatalf("%s: left no decision", c.name)
			}
			for _, got := range decisions {
				if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(rpc.Decision{}, "At", "Proof"), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s: decision (-want +got): %s", c.name, diff)
				}
			}
			if called := len(observer.Outcomes()) > 0; called != (c.want.Reason == rpc.Allowed) {
				t.Errorf("%s: service called: %v", c.name, called)
			}
		})
	}
}

func TestAnUnassignedModuleFailsClosed(t *testing.T) {
	_, err := opPublic.Call(as("alice", "echo"), rpc.Unassigned("probe"), nothing{})
	failure := fault.From(err)
	if failure.Code != fault.Unavailable || failure.RetryAfter == 0 || !strings.Contains(failure.Detail, "server.modules") {
		t.Errorf("got %v, want unavailable, with what to do", failure)
	}
}

func TestAnUnknownOperationIsRefused(t *testing.T) {
	host, observer := newProbe(t)
	_, err := host.Authorize(context.Background(), "probe.Nothing", rpc.Proven{Principal: identity.Principal{Caller: "gateway"}})
	if got := fault.CodeOf(err); got != fault.Unimplemented {
		t.Errorf("code %q, want unimplemented", got)
	}
	if got := observer.Decisions(); len(got) != 1 || got[0].Reason != rpc.UnknownOperation {
		t.Errorf("decisions %v", got)
	}
}
