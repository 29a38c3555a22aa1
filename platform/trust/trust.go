// Package trust says how a workload proves itself, and the user it acts for, to another one across a process boundary.
//
// Mutual TLS lies under everything: the transport has checked the peer's certificate before a [Profile] is asked, and it
// compares afterwards what the certificate and the proof say, so that no profile can forget to. A profile adds what a
// certificate cannot say: this call, for this user, with these rights, to this callee. The package decides nothing: who
// may do what is in the rows (see package rpc).
package trust

import (
	"context"
	"crypto/sha256"
	"net/http"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// Call is one attempt to call an operation, as a profile needs to know it. Both sides fill it themselves: nothing in it
// is taken from the other side except the header and what the digest was made of.
type Call struct {
	Operation string            // "order.Create"
	Caller    string            // the workload that calls: at the callee, what its certificate says
	Callee    string            // the module that is called
	Header    http.Header       // where the proof travels
	Digest    [sha256.Size]byte // of the request's body as it travels
}

// Profile proves a caller to a callee. One value serves a whole process, as caller and as callee, and is safe for
// concurrent use.
type Profile interface {
	// Name is the word in the configuration.
	Name() string
	// Attach adds the proof: that this workload calls, and for the user whose credential ctx carries, if there is one.
	// It is asked anew for every attempt. Errors are *fault.Error; unavailable where the STS is needed and away.
	Attach(ctx context.Context, c *Call) error
	// Refused is told that the callee did not accept the proof that Attach has added; nothing was executed. It drops what
	// it remembered, and reports whether another attempt with a fresh proof makes sense.
	Refused(ctx context.Context, c *Call, refusal *fault.Error) (again bool)
	// Verify judges the proof of a call and says what it proves. The Caller is the one that the proof names. Errors are
	// *fault.Error, made by [NotProven].
	Verify(ctx context.Context, c *Call) (rpc.Proven, error)
}

// ProofRefused is the type of the fault that a callee answers to a proof that does not hold, so that it is told from a
// refusal by the operation: nothing was executed, and a fresh proof may be accepted.
const ProofRefused = "proof-refused"

// NotProven is the fault for a proof that does not hold. Callers in another process read it: it holds nothing secret.
func NotProven(detail string, args ...any) *fault.Error {
	refusal := fault.New(fault.Unauthenticated, detail, args...)
	refusal.Type = ProofRefused
	return refusal
}
