package httprpc

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/trust"
)

// ConnOptions say who calls whom, and where.
type ConnOptions struct {
	Caller    string            // this process's module
	Callee    string            // the module at URL
	URL       string            // https://host:port
	Profile   trust.Profile     // proves the caller
	Transport http.RoundTripper // one that sends a request once, such as [Transport]; shared by all Conns of a process
	Log       *slog.Logger

	// Rejected, where it is set, is told when the callee does not accept who this process is: neither its certificate nor
	// a proof that was made afresh. It must not block.
	Rejected func()
}

const (
	maxAttempts  = 3
	firstBackoff = 50 * time.Millisecond // doubled for each attempt; the wait is anything up to it, so that callers spread
)

// NewConn reaches the module Callee at URL on behalf of Caller.
//
// A fault of the callee is the caller's answer, and is not asked for again. What is no answer of ours - a lost connection,
// a proxy's page, a redirect, half an answer - is an unavailable fault that says whether the call may have been executed. A
// call is repeated by itself, at most twice and within its deadline, where nothing can have been executed or where the row
// says that a repetition does no harm. Every attempt has a proof of its own.
func NewConn(o ConnOptions) rpc.Conn {
	o.URL = strings.TrimSuffix(o.URL, "/")
	return &conn{ConnOptions: o, reach: reach{log: o.Log.With("callee", o.Callee, "url", o.URL)}}
}

type conn struct {
	ConnOptions
	reach reach
}

// Invoke implements [rpc.Conn].
func (c *conn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	ctx, cancel := context.WithTimeout(ctx, op.Row().Timeout)
	defer cancel()
	failure := c.perform(ctx, op.Row(), request, response)
	if ended := ctx.Err(); ended != nil { // a late answer is no answer
		failure = fault.From(ended)
	}
	if failure != nil {
		return failure.Public()
	}
	return nil
}

func (c *conn) perform(ctx context.Context, row rpc.Row, request, response any) *fault.Error {
	if ended := ctx.Err(); ended != nil {
		return fault.From(ended)
	}
	body, err := encode(request)
	switch {
	case err != nil:
		return fault.New(fault.Malformed, "The request cannot be sent: %v.", err)
	case len(body) > maxRequest:
		return tooLarge(maxRequest)
	}
	digest := sha256.Sum256(body)
	for tries, renewed := 1, false; ; {
		proof := &trust.Call{Operation: row.Name, Caller: c.Caller, Callee: c.Callee, Header: http.Header{}, Digest: digest}
		if trust.ByProfile(row, c.Caller) {
			if err := c.Profile.Attach(ctx, proof); err != nil {
				return fault.From(err)
			}
		}
		got := c.attempt(ctx, proof, body, response)
		switch {
		case got.kind == answered && !trust.Refused(got.failure):
			c.reach.found()
			return got.failure
		case got.kind == answered:
			again := !renewed && trust.ByProfile(row, c.Caller) && c.Profile.Refused(ctx, proof, got.failure)
			if !again {
				refusal := trust.NotAccepted(proof, got.failure)
				c.reach.lost(refusal)
				c.rejected()
				return refusal
			}
			c.Log.Info("a callee does not accept the proof; it is tried again with a fresh one", "callee", c.Callee, "operation", row.Name, "reason", got.failure.Detail)
			renewed = true
		case tries == maxAttempts || got.kind == unknown && row.Retry != rpc.Idempotent || !pause(ctx, tries):
			if ctx.Err() == nil {
				c.reach.lost(got.failure)
			}
			return got.failure
		default:
			tries++
		}
	}
}

func (c *conn) rejected() {
	if c.Rejected != nil {
		c.Rejected()
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

// result is how an attempt ended.
type result struct {
	kind    kind
	failure *fault.Error // nil for success; with its cause, for the log
}

type kind int

const (
	answered kind = iota // by the callee, in our protocol
	unsent               // nothing can have been executed
	unknown              // nobody knows
)

// attempt sends the call once.
func (c *conn) attempt(ctx context.Context, proof *trust.Call, body []byte, response any) result {
	sent := &onceBody{rest: body}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+pathPrefix+proof.Operation, sent)
	if err != nil {
		return result{unsent, fault.New(fault.Internal, "%s has no usable URL: correct modules.%s.url.", c.Callee, c.Callee).Because(err)}
	}
	request.Header = proof.Header
	request.ContentLength = int64(len(body)) // GetBody stays nil: net/http must send nothing a second time
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(versionHeader, version)
	sendTimeout(ctx, request.Header)
	if trace := identity.Traceparent(identity.From(ctx).Transaction); trace != "" {
		request.Header.Set(traceHeader, trace)
	}
	answer, err := c.Transport.RoundTrip(request)
	if err != nil {
		return c.unanswered(proof, err, sent.seal())
	}
	defer func() { _ = answer.Body.Close() }()
	failure, err := readAnswer(answer, response)
	if err != nil {
		return result{unknown, c.strange(proof, err)}
	}
	return result{answered, failure}
}
