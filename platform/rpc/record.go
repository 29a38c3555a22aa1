package rpc

import (
	"context"
	"time"

	"oms/platform/identity"
)

// Record is what happened on one hop: who called, what was checked and how it came out, and what was executed. It holds no
// credential. The log, the metrics and every other view of calls are made of it.
type Record struct {
	At          time.Time
	Duration    time.Duration
	Module      string // where it was decided
	Operation   string // as the caller names it where Reason is UnknownOperation
	Transport   Means
	Peer        string // the workload that the connection shows
	Caller      string // the workload that the proof names; the same as Peer, or nothing was decided
	Subject     string
	Scopes      identity.Scopes // after narrowing to what the module's table knows
	Transaction string
	Proof       string        // how caller and subject were proven: InProcess, ByConnection, ByNothing, or the name of the trust profile
	User        identity.Kind // what stands for the user on the callee's own calls
	Checks      []Check       // in their order; the last one is the one that failed, if any did
	Reason      Reason        // how the authorization ended
	Executed    bool          // the service was called
	Err         error         // nil, or the fault with its cause: for this process's log alone
}

// Check is one thing that was looked at before a call was executed.
type Check struct {
	Name   string // "proof", "row"
	Result string // how it was proven, or the reason
	Failed string // what is wrong; "" where it holds
}

// The two ways in which a call from another process is proven without a profile; see [Record.Proof].
const (
	ByConnection = "certificate"
	ByNothing    = "nothing" // by callers without a certificate
)

func (r *Record) check(name, result string, err error) {
	check := Check{Name: name, Result: result}
	if err != nil {
		check.Failed = err.Error()
	}
	r.Checks = append(r.Checks, check)
}

func (r *Record) principal() identity.Principal {
	return identity.Principal{Subject: r.Subject, Caller: r.Caller, Scopes: r.Scopes, Transaction: r.Transaction}
}

// Observer is told what happens at hosts, once for each call that anything was decided about. It must be safe for
// concurrent use and must not block.
type Observer interface {
	Observe(ctx context.Context, r Record)
}
