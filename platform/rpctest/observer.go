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
	mu      sync.Mutex
	records []rpc.Record
}

var _ rpc.Observer = (*Observer)(nil)

// Observe keeps a record.
func (o *Observer) Observe(_ context.Context, r rpc.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.records = append(o.records, r)
}

// Decided are the records of all calls on which something was decided, in the order in which they ended.
func (o *Observer) Decided() []rpc.Record {
	return o.those(func(r rpc.Record) bool { return r.Reason != rpc.Challenged })
}

// Executed are the records of all calls that reached their service, in the order in which they ended.
func (o *Observer) Executed() []rpc.Record {
	return o.those(func(r rpc.Record) bool { return r.Executed })
}

// Undeclared are the failures so far that the rows of these operations do not declare, a sentence each.
func (o *Observer) Undeclared(operations []rpc.Operation) (undeclared []string) {
	rows := map[string]rpc.Row{}
	for _, operation := range operations {
		rows[operation.Row().Name] = operation.Row()
	}
	for _, outcome := range o.Executed() {
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

func (o *Observer) those(which func(rpc.Record) bool) (found []rpc.Record) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		if which(r) {
			found = append(found, r)
		}
	}
	return found
}
