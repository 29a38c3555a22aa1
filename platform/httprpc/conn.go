package httprpc

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
)

// ConnOptions say who calls whom, and where.
type ConnOptions struct {
	Caller    string            // this process's module
	Callee    string            // the module at URL
	URL       string            // https://host:port
	Profile   rpc.Profile       // proves the caller
	Transport http.RoundTripper // one that sends a request once, such as [Transport]; shared by all Conns of a process
	Log       *slog.Logger

	// Rejected, where it is set, is told when the callee does not accept who this process is: neither its certificate nor
	// a proof that was made afresh. It must not block.
	Rejected func()
}

// NewConn reaches the module Callee at URL on behalf of Caller, as [rpc.NewConn] has it. What is no answer of this
// protocol - a lost connection, a proxy's page, a redirect, half an answer - is not an answer.
func NewConn(o ConnOptions) rpc.Conn {
	o.URL = strings.TrimSuffix(o.URL, "/")
	return rpc.NewConn(rpc.ConnOptions{
		Caller: o.Caller, Callee: o.Callee, Profile: o.Profile, Transport: remote{o},
		Log: o.Log.With("callee", o.Callee, "url", o.URL), Rejected: o.Rejected,
	})
}

// remote is the transport to a module in another process.
type remote struct{ ConnOptions }

// Encode implements [rpc.Transport].
func (t remote) Encode(request any) ([]byte, *fault.Error) {
	body, err := encode(request)
	switch {
	case err != nil:
		return nil, fault.New(fault.Malformed, "The request cannot be sent: %v.", err)
	case len(body) > maxRequest:
		return nil, tooLarge(maxRequest)
	}
	return body, nil
}

// Send implements [rpc.Transport].
func (t remote) Send(ctx context.Context, c *rpc.Outgoing) error {
	sent := &onceBody{rest: c.Body}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+pathPrefix+c.Operation, sent)
	if err != nil {
		return &rpc.UndeliveredError{
			Failure:  fault.New(fault.Internal, "%s has no usable URL: correct modules.%s.url.", t.Callee, t.Callee).Because(err),
			Executed: rpc.NotExecuted,
		}
	}
	maps.Copy(request.Header, c.Header)
	request.ContentLength = int64(len(c.Body)) // GetBody stays nil: net/http must send nothing a second time
	request.Header.Set("Content-Type", jsonType)
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set(versionHeader, version)
	sendTimeout(ctx, request.Header)
	if trace := identity.Traceparent(c.Transaction); trace != "" {
		request.Header.Set(traceHeader, trace)
	}
	answer, err := t.Transport.RoundTrip(request)
	if err != nil {
		return t.unanswered(c.Operation, err, sent.seal())
	}
	defer func() { _ = answer.Body.Close() }()
	failure, err := readAnswer(answer, c.Response)
	switch {
	case err != nil:
		return &rpc.UndeliveredError{Failure: t.strange(c.Operation, err), Executed: rpc.Unknown}
	case failure != nil:
		return failure
	}
	return nil
}
