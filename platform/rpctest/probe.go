package rpctest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// Probe is a service that shows what arrives and fails in every way. It has no rules of its own.
type Probe interface {
	Echo(context.Context, Message) (Message, error)
	Whoami(context.Context, Nothing) (Seen, error)
	Public(context.Context, Nothing) (Seen, error)
	Work(context.Context, Nothing) (Seen, error)
	Fail(context.Context, Failure) (Nothing, error)
	Linger(context.Context, Nothing) (Nothing, error)
}

// What the probe is asked and answers.
type (
	Nothing struct{}
	Failure struct { // a fault's code, or one of the ways of prober.Fail
		How string `json:"how"`
	}
	Message struct { // everything that crosses a Conn
		Text   string            `json:"text"`
		Number int64             `json:"number"`
		At     time.Time         `json:"at"`
		Maybe  *int64            `json:"maybe,omitempty"`
		List   []string          `json:"list"`
		Absent []string          `json:"absent,omitempty"`
		Parts  []Part            `json:"parts"`
		Named  map[string]string `json:"named"`
		Bytes  []byte            `json:"bytes"`
	}
	Part struct {
		Flag bool `json:"flag"`
	}
	Seen struct { // what the service knows of its caller
		Subject     string   `json:"subject"`
		Caller      string   `json:"caller"`
		Scopes      []string `json:"scopes"`
		Transaction string   `json:"transaction"`
		Leaked      string   `json:"leaked"` // a context value of the caller, which must not arrive
		Deadline    bool     `json:"deadline"`
	}
)

// The probe's operations, and its table.
var (
	Echo = rpc.Define(Probe.Echo, rpc.Row{
		Name: "probe.Echo", Callers: rpc.Callers("gateway"), Who: rpc.User, Scope: "echo", OptionalScopes: []string{"see_all"},
		Timeout: time.Minute, Retry: rpc.Idempotent,
	})
	Whoami = rpc.Define(Probe.Whoami, rpc.Row{
		Name: "probe.Whoami", Callers: rpc.Callers("gateway", "order"), Who: rpc.User, AnySignedIn: true, Timeout: time.Minute,
	})
	Public = rpc.Define(Probe.Public, rpc.Row{
		Name: "probe.Public", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Minute,
	})
	Work = rpc.Define(Probe.Work, rpc.Row{
		Name: "probe.Work", Callers: rpc.Callers("order"), Who: rpc.Workload, Timeout: time.Minute,
	})
	Fail = rpc.Define(Probe.Fail, rpc.Row{
		Name: "probe.Fail", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Minute,
	})
	Linger = rpc.Define(Probe.Linger, rpc.Row{
		Name: "probe.Linger", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: 20 * time.Millisecond,
	})
	ProbeTable = rpc.Table[Probe]{Echo, Whoami, Public, Work, Fail, Linger}
)

type leakedKey struct{}

// prober implements probe.
type prober struct{}

func (prober) Echo(_ context.Context, m Message) (Message, error) { return m, nil }

func (prober) seen(ctx context.Context) (Seen, error) {
	p := identity.From(ctx)
	leaked, _ := ctx.Value(leakedKey{}).(string)
	_, bounded := ctx.Deadline()
	return Seen{p.Subject, p.Caller, append([]string{}, p.Scopes...), p.Transaction, leaked, bounded}, nil
}

func (s prober) Whoami(ctx context.Context, _ Nothing) (Seen, error) { return s.seen(ctx) }
func (s prober) Public(ctx context.Context, _ Nothing) (Seen, error) { return s.seen(ctx) }
func (s prober) Work(ctx context.Context, _ Nothing) (Seen, error)   { return s.seen(ctx) }

// Linger answers well, but only after its time is up.
func (prober) Linger(ctx context.Context, _ Nothing) (Nothing, error) {
	<-ctx.Done()
	return Nothing{}, nil
}

func (prober) Fail(_ context.Context, f Failure) (Nothing, error) {
	requested, available := int64(3), int64(1)
	switch f.How {
	case "plain":
		return Nothing{}, errors.New("a password is hunter2")
	case "panic":
		panic("a password is hunter2")
	case "conflict":
		return Nothing{}, fault.Conflicting(fault.Kind{Name: "out-of-stock"}, "Too %s.", "few").
			With(fault.Field{Detail: "short", Pointer: "/items/0", Figures: []fault.Figure{{Name: "requested", Value: requested}, {Name: "available", Value: available}}}).
			Because(errors.New("a password is hunter2"))
	case "retry":
		return Nothing{}, fmt.Errorf("wrapped: %w", fault.Retryable(1500*time.Millisecond, "Later."))
	case "late":
		return Nothing{}, context.DeadlineExceeded
	case "gone":
		return Nothing{}, context.Canceled
	}
	return Nothing{}, fault.New(fault.Code(f.How), "As asked.")
}
