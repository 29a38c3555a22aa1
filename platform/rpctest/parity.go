package rpctest

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
)

// Parity proves that the probe behaves the same in every shape: what arrives, what comes back, who is let in, and what is
// recorded of it.
func Parity(t *testing.T, shapes ...Shape) {
	p := parity{shapes}
	t.Run("what the service sees", p.whatTheServiceSees)
	t.Run("messages", p.messages)
	t.Run("text", p.text)
	t.Run("faults", p.faults)
	t.Run("deadlines", p.deadlines)
	t.Run("records", p.records)
	t.Run("unknown operation", p.unknownOperation)
}

type parity struct{ shapes []Shape }

// NewProbe hosts the probe.
func NewProbe(t testing.TB) (*rpc.Host, *Observer) {
	t.Helper()
	observer := &Observer{}
	host, err := HostProbe(observer)
	if err != nil {
		t.Fatal(err)
	}
	return host, observer
}

// HostProbe hosts the probe for an observer of the caller's.
func HostProbe(observer rpc.Observer) (*rpc.Host, error) {
	return rpc.NewHost[Probe]("probe", ProbeTable, prober{}, observer, time.Now)
}

// everyShape runs test over every way to reach the probe, for the given caller.
func (p parity) everyShape(t *testing.T, caller string, test func(t *testing.T, conn rpc.Conn, observer *Observer)) {
	t.Helper()
	p.eachShape(t, caller, func(t *testing.T, _ Shape, conn rpc.Conn, observer *Observer) { test(t, conn, observer) })
}

// eachShape is everyShape for a test that depends on the shape.
func (p parity) eachShape(t *testing.T, caller string, test func(t *testing.T, shape Shape, conn rpc.Conn, observer *Observer)) {
	t.Helper()
	for _, shape := range p.shapes {
		if caller == "" && shape.Proven {
			continue
		}
		t.Run(shape.Name, func(t *testing.T) {
			host, observer := NewProbe(t)
			test(t, shape, shape.Connect(t, host, caller), observer)
		})
	}
}

// As is the context of code that runs for subject, or for nobody; the caller in it is not the one that a Conn tells.
func As(subject string, scopes ...string) context.Context {
	return identity.With(context.Background(), identity.Principal{
		Subject: subject, Caller: "forged", Scopes: identity.NewScopes(scopes...), Transaction: "0123456789abcdef0123456789abcdef",
	})
}

func (p parity) whatTheServiceSees(t *testing.T) {
	p.everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, _ *Observer) {
		ctx := context.WithValue(As("alice", "echo", "see_all", "unknown_here"), leakedKey{}, "secret")
		got, err := Whoami.Call(ctx, conn, Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		want := Seen{Subject: "alice", Caller: "gateway", Scopes: []string{"echo", "see_all"}, Transaction: "0123456789abcdef0123456789abcdef", Deadline: true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error("principal (-want +got):", diff)
		}
	})
}

func (p parity) messages(t *testing.T) {
	five := int64(5)
	sent := Message{
		Text: "a/b%2f\u2028<ü>", Number: 1 << 62, At: time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.FixedZone("CET", 3600)), Maybe: &five,
		List: []string{}, Absent: []string{}, Parts: []Part{{true}}, Named: map[string]string{"": "empty"}, Bytes: []byte{0, 255},
	}
	want := sent
	want.At, want.Absent = sent.At.UTC(), nil
	p.everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, _ *Observer) {
		got, err := Echo.Call(As("alice", "echo"), conn, sent)
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

func (p parity) text(t *testing.T) {
	p.everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, observer *Observer) {
		_, err := Echo.Call(As("alice", "echo"), conn, Message{Text: "a\xff"})
		if got := fault.CodeOf(err); got != fault.Malformed {
			t.Errorf("code %q, want malformed", got)
		}
		if len(observer.Executed()) != 0 {
			t.Error("the service was called")
		}
	})
}

func (p parity) faults(t *testing.T) {
	requested, available := int64(3), int64(1)
	wants := map[string]*fault.Error{
		"plain":    {Code: fault.Internal},
		"panic":    {Code: fault.Internal},
		"late":     {Code: fault.DeadlineExceeded},
		"gone":     {Code: fault.Canceled},
		"retry":    {Code: fault.Unavailable, Detail: "Later.", RetryAfter: 2 * time.Second},
		"conflict": {Code: fault.Conflict, Type: "out-of-stock", Detail: "Too few.", Fields: []fault.Field{{Detail: "short", Pointer: "/items/0", Figures: []fault.Figure{{Name: "requested", Value: requested}, {Name: "available", Value: available}}}}},
	}
	for _, code := range []fault.Code{fault.Malformed, fault.InvalidArgument, fault.Unauthenticated, fault.PermissionDenied, fault.NotFound,
		fault.MethodNotAllowed, fault.PreconditionFailed, fault.TooLarge, fault.UnsupportedMedia, fault.RateLimited, fault.Unimplemented, fault.Unavailable} {
		wants[string(code)] = &fault.Error{Code: code, Detail: "As asked."}
	}
	p.everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, observer *Observer) {
		for how, want := range wants {
			_, err := Fail.Call(As(""), conn, Failure{how})
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
		if outcomes := observer.Executed(); len(outcomes) != len(wants) {
			t.Errorf("%d outcomes for %d calls", len(outcomes), len(wants))
		}
	})
}

func (p parity) deadlines(t *testing.T) {
	p.everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, _ *Observer) {
		_, err := Linger.Call(As(""), conn, Nothing{})
		if got := fault.CodeOf(err); got != fault.DeadlineExceeded {
			t.Errorf("a late answer gave code %q, want deadline_exceeded", got)
		}
		ended, cancel := context.WithCancel(As(""))
		cancel()
		_, err = Public.Call(ended, conn, Nothing{})
		if got := fault.CodeOf(err); got != fault.Canceled {
			t.Errorf("a call after the caller left gave code %q, want canceled", got)
		}
	})
}

// The negative matrix: for each operation, who may not call it, and what the record says.
func (p parity) records(t *testing.T) {
	type call struct {
		name   string
		caller string
		ctx    context.Context
		do     func(context.Context, rpc.Conn) error
		code   fault.Code
		want   rpc.Record
	}
	transaction := identity.From(As("")).Transaction
	echo := func(ctx context.Context, c rpc.Conn) error { _, err := Echo.Call(ctx, c, Message{}); return err }
	whoami := func(ctx context.Context, c rpc.Conn) error { _, err := Whoami.Call(ctx, c, Nothing{}); return err }
	work := func(ctx context.Context, c rpc.Conn) error { _, err := Work.Call(ctx, c, Nothing{}); return err }
	calls := []call{
		{"allowed", "gateway", As("alice", "echo", "other"), echo, "", rpc.Record{Operation: "probe.Echo", Caller: "gateway", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.Allowed}},
		{"nobody", "gateway", As(""), echo, fault.Unauthenticated, rpc.Record{Operation: "probe.Echo", Caller: "gateway", Reason: rpc.NoUser}},
		{"no scope", "gateway", As("alice", "see_all"), echo, fault.PermissionDenied, rpc.Record{Operation: "probe.Echo", Caller: "gateway", Subject: "alice", Scopes: identity.NewScopes("see_all"), Reason: rpc.ScopeMissing}},
		{"unlisted caller", "inventory", As("alice"), echo, fault.PermissionDenied, rpc.Record{Operation: "probe.Echo", Caller: "inventory", Subject: "alice", Reason: rpc.CallerNotListed}},
		{"no caller", "", As("alice", "echo"), echo, fault.PermissionDenied, rpc.Record{Operation: "probe.Echo", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.CallerNotListed}},
		{"any user", "order", As("alice"), whoami, "", rpc.Record{Operation: "probe.Whoami", Caller: "order", Subject: "alice", Reason: rpc.Allowed}},
		{"any user, but nobody", "order", As(""), whoami, fault.Unauthenticated, rpc.Record{Operation: "probe.Whoami", Caller: "order", Reason: rpc.NoUser}},
		{"workload", "order", As(""), work, "", rpc.Record{Operation: "probe.Work", Caller: "order", Reason: rpc.Allowed}},
		{"gateway is not that workload", "gateway", As("alice", "echo"), work, fault.PermissionDenied, rpc.Record{Operation: "probe.Work", Caller: "gateway", Subject: "alice", Scopes: identity.NewScopes("echo"), Reason: rpc.CallerNotListed}},
	}
	for _, c := range calls {
		c.want.Module, c.want.Transaction = "probe", transaction
		p.eachShape(t, c.caller, func(t *testing.T, shape Shape, conn rpc.Conn, observer *Observer) {
			if got := fault.CodeOf(c.do(c.ctx, conn)); got != c.code {
				t.Errorf("%s: code %q, want %q", c.name, got, c.code)
			}
			records := observer.Decided()
			if refusedBefore := shape.Proven && c.want.Reason == rpc.CallerNotListed; len(records) == 0 && !refusedBefore {
				t.Fatalf("%s: left no record", c.name)
			}
			for _, got := range records {
				if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(rpc.Record{}, "At", "Duration", "Transport", "Peer", "Proof", "User", "Checks", "Executed", "Err"), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s: record (-want +got): %s", c.name, diff)
				}
			}
			if called := len(observer.Executed()) > 0; called != (c.want.Reason == rpc.Allowed) {
				t.Errorf("%s: service called: %v", c.name, called)
			}
		})
	}
}

// elsewhere has an operation that the probe does not have.
type elsewhere interface {
	Nowhere(context.Context, Nothing) (Nothing, error)
}

var nowhere = rpc.Define(elsewhere.Nowhere, rpc.Row{Name: "probe.Nowhere", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Minute})

func (p parity) unknownOperation(t *testing.T) {
	p.everyShape(t, "gateway", func(t *testing.T, conn rpc.Conn, observer *Observer) {
		_, err := nowhere.Call(As("alice", "echo"), conn, Nothing{})
		if got := fault.CodeOf(err); got != fault.Unimplemented || !strings.Contains(err.Error(), "probe.Nowhere") {
			t.Errorf("got %v, want unimplemented", err)
		}
		if got := observer.Decided(); len(got) != 1 || got[0].Reason != rpc.UnknownOperation {
			t.Errorf("records %v", got)
		}
	})
}
