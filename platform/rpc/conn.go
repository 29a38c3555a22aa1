package rpc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
)

// Outgoing is a call at its caller's side.
type Outgoing struct {
	Call
	To       Operation
	Request  any    // a pointer to the request
	Response any    // a pointer to the response to fill
	Body     []byte // the request as it travels; nil within a process

	renewed    bool // a refused proof was replaced once already
	challenges int  // how often the callee has said what a proof has to hold
}

// Transport carries calls to one callee. It is safe for concurrent use.
type Transport interface {
	// Encode gives a request as it travels, or nil where nothing does. The error is the caller's answer.
	Encode(request any) ([]byte, *fault.Error)
	// Send makes one attempt, and nothing twice. The error is the callee's fault, or a *UndeliveredError where the callee did
	// not answer.
	Send(ctx context.Context, c *Outgoing) error
}

// UndeliveredError is how an attempt ended that the callee did not answer.
type UndeliveredError struct {
	Failure  *fault.Error // what the caller is told, with its cause for the log
	Executed Executed
}

func (u *UndeliveredError) Error() string { return u.Failure.Error() }

// Unwrap is the fault.
func (u *UndeliveredError) Unwrap() error { return u.Failure }

// Executed says what is known of a call that was not answered.
type Executed int

const (
	// Unknown is that nobody knows.
	Unknown Executed = iota
	// NotExecuted is that nothing can have been executed, and another attempt may succeed.
	NotExecuted
	// NotAccepted is that the callee has refused the proof, and that no other one can be made.
	NotAccepted
	// NotSent is that no attempt could be made at all, which says nothing about the callee.
	NotSent
)

// ConnOptions say who calls whom, and how.
type ConnOptions struct {
	Caller    string
	Callee    string
	Profile   Profile // proves the caller
	Transport Transport
	Log       *slog.Logger // an outage of the callee, and proofs that it does not accept

	// Rejected, where it is set, is told when the callee does not accept who this process is: neither its certificate nor
	// a proof that was made afresh. It must not block.
	Rejected func()
}

// NewConn reaches a module on behalf of a caller.
//
// A fault of the callee is the caller's answer, and is not asked for again. Where there is no answer, the fault is
// unavailable and says whether the call may have been executed. A call is repeated by itself, at most twice and within its
// deadline, where nothing can have been executed or where the row says that a repetition does no harm. Every attempt has a
// proof of its own.
func NewConn(o ConnOptions) Conn {
	c := &conn{ConnOptions: o}
	c.invoke = c.callerSteps()
	return c
}

type conn struct {
	ConnOptions
	invoke handle[*Outgoing]
	stands atomic.Pointer[Standing] // nil before the first call
}

// Invoke implements [Conn].
func (c *conn) Invoke(ctx context.Context, op Operation, request, response any) error {
	call := &Outgoing{To: op, Request: request, Response: response}
	call.Operation, call.Caller, call.Callee, call.Transaction = op.Row().Name, c.Caller, c.Callee, identity.From(ctx).Transaction
	err := c.invoke(ctx, call)
	switch {
	case errors.Is(err, errOutdated):
		return fault.From(err).Public().Because(errOutdated)
	case err != nil:
		return fault.From(err).Public()
	}
	return nil
}

func deadline(ctx context.Context, c *Outgoing, next handle[*Outgoing]) error {
	ctx, cancel := context.WithTimeout(ctx, c.To.Row().Timeout)
	defer cancel()
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended)
	}
	err := next(ctx, c)
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended)
	}
	return err
}

func (c *conn) encode(ctx context.Context, call *Outgoing, next handle[*Outgoing]) error {
	body, failure := c.Transport.Encode(call.Request)
	if failure != nil {
		return failure
	}
	if body != nil {
		call.Body, call.Digest = body, sha256.Sum256(body)
	}
	return next(ctx, call)
}

func (c *conn) availability(ctx context.Context, call *Outgoing, next handle[*Outgoing]) error {
	err := next(ctx, call)
	lost, undelivered := errors.AsType[*UndeliveredError](err)
	switch {
	case !undelivered:
		if before := c.stands.Load(); (before == nil || before.Trouble != "") && c.stands.CompareAndSwap(before, &Standing{Since: time.Now()}) && before != nil {
			c.Log.Info("calls to a module succeed again")
		}
	case lost.Executed == NotSent, ctx.Err() != nil: // which say nothing about the callee
	default:
		c.fails(lost.Error())
	}
	return err
}

// fails notes the latest failure, and logs the first one.
func (c *conn) fails(why string) {
	before, now := c.stands.Load(), &Standing{Since: time.Now(), Trouble: why}
	again := before != nil && before.Trouble != ""
	if again {
		now.Since = before.Since
	}
	if c.stands.CompareAndSwap(before, now) && !again {
		c.Log.Warn("calls to a module fail", "error", why)
	}
}

// Standing is how calls to a module go.
type Standing struct {
	Since   time.Time // when calls began to succeed, or to fail
	Trouble string    // how the latest one has failed; "" where they succeed. It is for operators, not for callers.
}

// StandingOf is how the calls of a [NewConn] go; nil where there was none yet, or where it is another Conn.
func StandingOf(c Conn) *Standing {
	if known, is := c.(*conn); is {
		return known.stands.Load()
	}
	return nil
}

const (
	maxAttempts  = 3
	firstBackoff = 50 * time.Millisecond // doubled for each attempt; the wait is anything up to it, so that callers spread
)

func retry(ctx context.Context, c *Outgoing, next handle[*Outgoing]) error {
	for tries := 1; ; tries++ {
		err := next(ctx, c)
		lost, undelivered := errors.AsType[*UndeliveredError](err)
		if !undelivered || tries == maxAttempts {
			return err
		}
		may := lost.Executed == NotExecuted || lost.Executed == Unknown && c.To.Row().Retry == Idempotent
		if !may || !pause(ctx, tries) {
			return err
		}
	}
}

// pause waits before the next attempt; false says that there is no time for one.
func pause(ctx context.Context, tries int) bool {
	wait := rand.N(firstBackoff << (tries - 1)) //nolint:gosec // spreading needs no secrecy
	if deadline, _ := ctx.Deadline(); time.Until(deadline) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *conn) prove(ctx context.Context, call *Outgoing, next handle[*Outgoing]) error {
	for {
		err := c.attempt(ctx, call, next)
		refusal, answered := err.(*fault.Error) //nolint:errorlint // an answer is never wrapped, and what is wrapped is none
		if !answered || !Refused(refusal) {
			return err
		}
		if !call.mayRenew(refusal) || !byProfile(call.To.Row(), c.Caller) || !c.Profile.Refused(ctx, &call.Call, refusal) {
			if c.Rejected != nil {
				c.Rejected()
			}
			failure := notAccepted(&call.Call, refusal)
			if passedOn(ctx, call) {
				failure = failure.Because(errOutdated)
			}
			return &UndeliveredError{failure, NotAccepted}
		}
		c.Log.Info("a callee does not accept the proof; it is tried again with a fresh one", "callee", c.Callee, "operation", call.Operation, "reason", refusal.Detail)
	}
}

// maxChallenges is how many processes of a callee one call can meet for the first time.
const maxChallenges = 8

// mayRenew reports whether a refused proof may be replaced: once, and where a process of the callee says what it has to
// hold, a few times more, because the next attempt may reach another process.
func (c *Outgoing) mayRenew(refusal *fault.Error) bool {
	if Challenge(refusal) && c.challenges < maxChallenges {
		c.challenges++
		return true
	}
	before := c.renewed
	c.renewed = true
	return !before
}

// attempt attaches a proof and sends.
func (c *conn) attempt(ctx context.Context, call *Outgoing, next handle[*Outgoing]) error {
	call.Header = nil
	if byProfile(call.To.Row(), c.Caller) {
		if err := c.Profile.Attach(ctx, &call.Call); err != nil {
			failure := fault.From(err)
			if failure.Code == fault.Unauthenticated && passedOn(ctx, call) {
				failure = failure.Because(errors.Join(failure.Unwrap(), errOutdated))
			}
			return &UndeliveredError{failure, NotSent}
		}
	}
	return next(ctx, call)
}

// notAccepted is what a caller makes of a refusal that a fresh proof does not help against: its own caller has done
// nothing wrong, and must not be told to sign in again.
func notAccepted(c *Call, refusal *fault.Error) *fault.Error {
	why := fmt.Errorf("%s does not accept the proof of %s: %s", c.Callee, orNobody(c.Caller), refusal.Detail) // which is between the two
	return fault.Retryable(2*time.Second, "The %s module does not let this one in at the moment.", c.Callee).Because(why)
}
