package rpctest

import (
	"context"
	"sync"

	"oms/platform/rpc"
)

// Observer keeps what it is told. It is safe for concurrent use; the zero value is ready.
type Observer struct {
	mu        sync.Mutex
	decisions []rpc.Decision
	outcomes  []rpc.Outcome
}

var _ rpc.Observer = (*Observer)(nil)

// Decided keeps a decision.
func (o *Observer) Decided(_ context.Context, d rpc.Decision) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.decisions = append(o.decisions, d)
}

// Called keeps an outcome.
func (o *Observer) Called(_ context.Context, outcome rpc.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.outcomes = append(o.outcomes, outcome)
}

// Decisions are all decisions so far, in their order.
func (o *Observer) Decisions() []rpc.Decision {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]rpc.Decision(nil), o.decisions...)
}

// Outcomes are all outcomes so far, in their order.
func (o *Observer) Outcomes() []rpc.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]rpc.Outcome(nil), o.outcomes...)
}
