package rpc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
)

// Server serves the operations of a host to callers that prove themselves by a trust profile. It is safe for concurrent
// use.
type Server struct {
	host    *Host
	profile Profile
	log     *slog.Logger
	serve   handle[*Incoming]
}

// NewServer makes a server. What the transports hand it is decided on, executed and recorded in the same steps.
func NewServer(host *Host, profile Profile, log *slog.Logger) *Server {
	s := &Server{host: host, profile: profile, log: log}
	s.serve = s.calleeSteps()
	return s
}

// Host is what is served.
func (s *Server) Host() *Host { return s.host }

// Profile is how callers prove themselves.
func (s *Server) Profile() Profile { return s.profile }

// Incoming is a call at its callee's side.
type Incoming struct {
	Call
	Transport Means // how it came
	Message   Message
	PeerError error // why who is at the other end of the connection is not accepted; nil: Caller is

	served   *served // nil: the table has no such row
	user     identity.Credential
	request  any
	response any
	hop      Record
	checks   [2]Check // what the hop's checks are stored in
}

// Record is what has happened to the call so far.
func (in *Incoming) Record() Record { return in.hop }

// Response is a pointer to the answer of a call that was served without an error.
func (in *Incoming) Response() any { return in.response }

// Means is a way for calls to come.
type Means string

// The ways.
const (
	InProcess Means = "in process"
	OverHTTPS Means = "HTTPS + mTLS"
)

// proof is how a caller is proven without a profile; see [Record.Proof].
func (m Means) proof() string {
	if m == InProcess {
		return string(InProcess)
	}
	return ByConnection
}

// Message is the request of a call that has arrived, as its transport has it. Nothing of it is read before it is asked for.
type Message interface {
	// Digest is that of the body as it has travelled.
	Digest(ctx context.Context) ([sha256.Size]byte, error)
	// Read gives a pointer to the request, and one to the response that is to be filled.
	Read(ctx context.Context, op Operation) (request, response any, err error)
}

// Serve serves one call. Errors are *fault.Error without a cause: the cause is in the record.
func (s *Server) Serve(ctx context.Context, in *Incoming) error {
	if err := s.serve(ctx, in); err != nil {
		return fault.From(err).Public()
	}
	return nil
}

func (s *Server) record(ctx context.Context, in *Incoming, next handle[*Incoming]) error {
	in.Callee = s.host.module
	in.served = s.host.served[in.Operation]
	in.hop = Record{
		At: s.host.now(), Module: in.Callee, Operation: in.Operation, Transport: in.Transport,
		Peer: in.Caller, Caller: in.Caller, Transaction: in.Transaction, Checks: in.checks[:0],
	}
	in.hop.Err = next(ctx, in)
	in.hop.Duration = s.host.now().Sub(in.hop.At)
	if in.hop.Reason != "" {
		s.host.observer.Observe(ctx, in.hop)
	}
	return in.hop.Err
}

func (s *Server) containment(ctx context.Context, in *Incoming, next handle[*Incoming]) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		err = fmt.Errorf("%s panicked: %v\n%s", in.Operation, p, debug.Stack())
		if !in.hop.Executed { // else the outcome of the call tells it
			s.log.ErrorContext(ctx, "serving a call panicked", "operation", in.Operation, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	return next(ctx, in)
}

// arrive keeps the deadline on both sides of the call: an answer that is late is no answer, as over a wire.
func (s *Server) arrive(ctx context.Context, in *Incoming, next handle[*Incoming]) error {
	ctx = detached{ctx}
	if until, bounded := ctx.Deadline(); in.served != nil && (!bounded || time.Until(until) > in.served.row.Timeout) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, in.served.row.Timeout)
		defer cancel()
	}
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended)
	}
	err := next(ctx, in)
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended).Because(errors.Join(ended, err))
	}
	return err
}

// detached keeps a context's deadline and cancellation and hides its values: a wire carries none.
type detached struct{ context.Context }

func (detached) Value(any) any { return nil }

// AfterFunc lets package context propagate a cancellation without a goroutine of its own for every call.
func (d detached) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(d.Context, f) }

// verify establishes who calls and for whom. A refusal is a decision; a challenge is none, since nothing has been decided
// yet.
func (s *Server) verify(ctx context.Context, in *Incoming, next handle[*Incoming]) error {
	proven, by, err := s.prove(ctx, in)
	in.hop.Proof = by
	in.hop.check("proof", by, err)
	if err != nil {
		failure := fault.From(err)
		switch {
		case Challenge(failure):
			in.hop.Reason = Challenged
		case Refused(failure):
			in.hop.Reason = NotVerified
			if in.served == nil {
				in.hop.Operation = "" // what a caller makes up is not recorded
			}
		}
		return err
	}
	in.hop.Caller, in.hop.Subject, in.hop.Scopes = proven.Caller, proven.Subject, proven.Scopes.Intersect(s.host.known)
	in.hop.User, in.user = proven.User.Kind, proven.User
	return next(ctx, in)
}

func (s *Server) prove(ctx context.Context, in *Incoming) (proven Proven, by string, err error) {
	switch {
	case in.PeerError != nil:
		return Proven{}, in.Transport.proof(), in.PeerError
	case in.Caller == Anonymous:
		return Proven{Principal: identity.Principal{Caller: in.Caller}}, ByNothing, nil
	case in.served != nil && !byProfile(in.served.row, in.Caller): // an unknown operation needs every proof there is
		return Proven{Principal: identity.Principal{Caller: in.Caller}}, in.Transport.proof(), nil
	}
	by = s.profile.Name()
	if in.Digest, err = in.Message.Digest(ctx); err != nil {
		return Proven{}, by, err
	}
	proven, err = s.profile.Verify(ctx, &in.Call)
	switch {
	case err != nil:
		return Proven{}, by, err
	case proven.Caller != in.Caller:
		return Proven{}, by, NotProven("the proof was issued to %s, and the certificate is that of %s", orNobody(proven.Caller), orNobody(in.Caller))
	case proven.Transaction != "" && proven.Transaction != in.Transaction: // the record of a call cannot be moved to another one
		return Proven{}, by, NotProven("the proof is of another transaction than the call")
	}
	return proven, by, nil
}

func (s *Server) authorise(ctx context.Context, in *Incoming, next handle[*Incoming]) error {
	if in.Operation == "" {
		return fault.New(fault.NotFound, "The call names no operation.")
	}
	reason, refusal := s.host.decide(in)
	in.hop.Reason = reason
	if refusal != nil {
		in.hop.check("row", string(reason), refusal)
		return refusal
	}
	in.hop.check("row", string(reason), nil)
	return next(ctx, in)
}

func (h *Host) decide(in *Incoming) (Reason, *fault.Error) {
	if in.served == nil {
		return UnknownOperation, fault.New(fault.Unimplemented, "%s has no operation %q.", h.module, in.Operation)
	}
	return in.served.row.Authorize(in.hop.principal())
}

func receive(ctx context.Context, in *Incoming, next handle[*Incoming]) (err error) {
	if in.request, in.response, err = in.Message.Read(ctx, in.served.Operation); err != nil {
		return err
	}
	return next(ctx, in)
}

// execute has the service perform the call. It sees the principal and the deadline of ctx, and no other value of it; the
// user's credential is there for the calls that it makes itself.
func execute(ctx context.Context, in *Incoming) error {
	ctx = identity.With(ctx, in.hop.principal())
	if in.user != (identity.Credential{}) {
		ctx = identity.WithCredential(ctx, in.user)
	}
	in.hop.Executed = true
	err := in.served.handle(ctx, in.request, in.response)
	if err == nil {
		return nil
	}
	failure := fault.From(err)
	switch {
	case in.user != (identity.Credential{}) && outdated(failure):
		return NotProven("What stands for the user of %s does not hold any more.", in.Operation).Because(err)
	case Refused(failure): // of a call that the service made: this one has been executed, and its proof was good
		behind := *failure
		behind.Type = ""
		return &behind
	}
	return err
}
