package rpctest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"oms/platform/fault"
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

// Undeclared are the failures so far that the rows of these operations do not declare, a sentence each.
func (o *Observer) Undeclared(operations []rpc.Operation) (undeclared []string) {
	rows := map[string]rpc.Row{}
	for _, operation := range operations {
		rows[operation.Row().Name] = operation.Row()
	}
	for _, outcome := range o.Outcomes() {
		row, known := rows[outcome.Operation]
		if failure := fault.From(outcome.Err); known && failure != nil && !row.Declares(failure) {
			undeclared = append(undeclared, fmt.Sprintf("%s does not declare that it can fail with: %v", row.Name, failure))
		}
	}
	return undeclared
}

// Observe gives an observer; the test fails where one of these operations has failed in a way that its row does not
// declare.
func Observe(t testing.TB, operations []rpc.Operation) *Observer {
	t.Helper()
	o := &Observer{}
	t.Cleanup(func() {
		for _, sentence := range o.Undeclared(operations) {
			t.Error(sentence)
		}
	})
	return o
}

// Outcomes are all outcomes so far, in their order.
func (o *Observer) Outcomes() []rpc.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]rpc.Outcome(nil), o.outcomes...)
}
