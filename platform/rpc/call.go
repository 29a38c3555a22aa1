package rpc

import (
	"context"
	"crypto/sha256"
	"net/http"

	"oms/platform/fault"
	"oms/platform/identity"
)

// Call is one attempt to call an operation. Each side fills its own: nothing in it is taken from the other side except
// the header, the transaction and what the digest was made of.
type Call struct {
	Operation   string            // "order.Create"
	Caller      string            // the workload that calls: at the callee, what the connection shows
	Callee      string            // the module that is called
	Transaction string            // the request from outside that the call is a part of, if any; no proof of anything
	Header      http.Header       // where the proof travels, see SetHeader; nil where there is nothing to carry
	Digest      [sha256.Size]byte // of the request's body as it travels; zero within a process, where nothing does

	// Vouched is whom the caller's code runs for. No transport carries it out of a process: within one it can prove who
	// calls, because callers there cannot lie about themselves.
	Vouched identity.Principal
}

// SetHeader has the call carry one value of a header.
func (c *Call) SetHeader(name, value string) {
	if c.Header == nil {
		c.Header = http.Header{}
	}
	c.Header.Set(name, value)
}

// Profile proves a caller to a callee. One value serves a whole process, as caller and as callee, and is safe for
// concurrent use. Package trust has what profiles have in common, and the packages below it have one each.
type Profile interface {
	// Name is the word in the configuration.
	Name() string
	// Attach adds the proof: that this workload calls, and for the user whose credential ctx carries, if there is one.
	// It is asked anew for every attempt. Errors are *fault.Error; unavailable where the STS is needed and away.
	Attach(ctx context.Context, c *Call) error
	// Refused is told that the callee did not accept the proof that Attach has added. It drops what
	// it remembered, and reports whether another attempt with a fresh proof makes sense.
	Refused(ctx context.Context, c *Call, refusal *fault.Error) (again bool)
	// Verify judges the proof of a call and says what it proves. The Caller is the one that the proof names; that the
	// connection shows the same one is checked afterwards, so that no profile can forget to. Errors are *fault.Error, made
	// by [NotProven].
	Verify(ctx context.Context, c *Call) (Proven, error)
}

// Proven is what has been established about a call before anybody decides on it.
type Proven struct {
	identity.Principal
	User identity.Credential // what stands for the user on the callee's own calls; the service does not see it
}

// byProfile reports whether caller proves a call of the row by the trust profile: where it is not enough to know who is
// at the other end of the connection.
func byProfile(row Row, caller string) bool {
	return row.Proof == ByProfile && caller != Anonymous
}

// ProofRefused is the type of the fault that a callee answers to a proof that does not hold, so that it is told from a
// refusal by the operation: a fresh proof may be accepted, and the same request may be sent with it. Nothing was executed; or
// the operation needed the user's part of the proof for a call of its own, where it did not hold any more, and ended in a way
// that asks for another attempt.
const ProofRefused = "proof-refused"

// NotProven is the fault for a proof that does not hold. Callers in another process read it: it holds nothing secret.
func NotProven(detail string, args ...any) *fault.Error {
	refusal := fault.New(fault.Unauthenticated, detail, args...)
	refusal.Type = ProofRefused
	return refusal
}

// Refused reports whether failure is a callee's refusal of a proof, and not one by the operation.
func Refused(failure *fault.Error) bool {
	return failure != nil && failure.Code == fault.Unauthenticated && failure.Type == ProofRefused
}

// Challenge reports whether a refusal tells the caller what its next proof has to hold, as at the first call after the
// callee was started.
func Challenge(refusal *fault.Error) bool {
	return Refused(refusal) && len(refusal.Fields) > 0
}
