package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// probe is a service that shows what arrives and fails in every way. It has no rules of its own.
type probe interface {
	Echo(context.Context, message) (message, error)
	Whoami(context.Context, nothing) (principal, error)
	Public(context.Context, nothing) (principal, error)
	Work(context.Context, nothing) (principal, error)
	Fail(context.Context, failure) (nothing, error)
	Linger(context.Context, nothing) (nothing, error)
}

type (
	nothing struct{}
	failure struct {
		How string `json:"how"`
	}
	message struct {
		Text   string            `json:"text"`
		Number int64             `json:"number"`
		At     time.Time         `json:"at"`
		Maybe  *int64            `json:"maybe,omitempty"`
		List   []string          `json:"list"`
		Absent []string          `json:"absent,omitempty"`
		Parts  []part            `json:"parts"`
		Named  map[string]string `json:"named"`
		Bytes  []byte            `json:"bytes"`
	}
	part struct {
		Flag bool `json:"flag"`
	}
	principal struct {
		Subject     string   `json:"subject"`
		Caller      string   `json:"caller"`
		Scopes      []string `json:"scopes"`
		Transaction string   `json:"transaction"`
		Leaked      string   `json:"leaked"` // a context value of the caller, which must not arrive
		Deadline    bool     `json:"deadline"`
	}
)

var (
	opEcho = rpc.Define(probe.Echo, rpc.Row{
		Name: "probe.Echo", Callers: rpc.Callers("gateway"), Who: rpc.User, Scope: "echo", Sees: []string{"see_all"},
		Timeout: time.Minute, Retry: rpc.Idempotent,
	})
	opWhoami = rpc.Define(probe.Whoami, rpc.Row{
		Name: "probe.Whoami", Callers: rpc.Callers("gateway", "order"), Who: rpc.User, AnySignedIn: true, Timeout: time.Minute,
	})
	opPublic = rpc.Define(probe.Public, rpc.Row{
		Name: "probe.Public", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Minute,
	})
	opWork = rpc.Define(probe.Work, rpc.Row{
		Name: "probe.Work", Callers: rpc.Callers("order"), Who: rpc.Workload, Timeout: time.Minute,
	})
	opFail = rpc.Define(probe.Fail, rpc.Row{
		Name: "probe.Fail", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Minute,
	})
	opLinger = rpc.Define(probe.Linger, rpc.Row{
		Name: "probe.Linger", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: 20 * time.Millisecond,
	})
	probeTable = rpc.Table[probe]{opEcho, opWhoami, opPublic, opWork, opFail, opLinger}
)

type leakedKey struct{}

// prober implements probe.
type prober struct{}

func (prober) Echo(_ context.Context, m message) (message, error) { return m, nil }

func (prober) seen(ctx context.Context) (principal, error) {
	p := identity.From(ctx)
	leaked, _ := ctx.Value(leakedKey{}).(string)
	_, bounded := ctx.Deadline()
	return principal{p.Subject, p.Caller, append([]string{}, p.Scopes...), p.Transaction, leaked, bounded}, nil
}

func (s prober) Whoami(ctx context.Context, _ nothing) (principal, error) { return s.seen(ctx) }
func (s prober) Public(ctx context.Context, _ nothing) (principal, error) { return s.seen(ctx) }
func (s prober) Work(ctx context.Context, _ nothing) (principal, error)   { return s.seen(ctx) }

// Linger answers well, but only after its time is up.
func (prober) Linger(ctx context.Context, _ nothing) (nothing, error) {
	<-ctx.Done()
	return nothing{}, nil
}

func (prober) Fail(_ context.Context, f failure) (nothing, error) {
	requested, available := int64(3), int64(1)
	switch f.How {
	case "plain":
		return nothing{}, errors.New("a password is hunter2")
	case "panic":
		panic("a password is hunter2")
	case "conflict":
		return nothing{}, fault.Conflicting("out-of-stock", "Too %s.", "few").
			With(fault.Field{Detail: "short", Pointer: "/items/0", Requested: &requested, Available: &available}).
			Because(errors.New("a password is hunter2"))
	case "retry":
		return nothing{}, fmt.Errorf("wrapped: %w", fault.Retryable(1500*time.Millisecond, "Later."))
	case "late":
		return nothing{}, context.DeadlineExceeded
	case "gone":
		return nothing{}, context.Canceled
	}
	return nothing{}, fault.New(fault.Code(f.How), "As asked.")
}
