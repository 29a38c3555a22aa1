// Package rpctest reaches a host in every shape, so that one suite proves that a module behaves the same in each.
//
// It is for tests only: its HTTP transport proves nobody's identity.
package rpctest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/trust"
	"oms/platform/trust/direct"
)

// Connect reaches a host on behalf of a caller. What it opens is closed when the test ends.
type Connect func(t testing.TB, host *rpc.Host, caller string) rpc.Conn

// Shape is one way to reach a module.
type Shape struct {
	Name    string
	Connect Connect
	// Proven says that callers prove who they are, to somebody who knows them: nobody calls without a name, and a call
	// that gets no proof is refused before it reaches the host, which then has no record of it.
	Proven bool
}

// Shapes are all ways to reach a module.
func Shapes() []Shape {
	return []Shape{
		{Name: "in process", Connect: connectLocal},
		{Name: "in process, through JSON", Connect: func(_ testing.TB, host *rpc.Host, caller string) rpc.Conn {
			return throughJSON{direct.Conn(host, caller)}
		}},
		{Name: "in process, delivered twice", Connect: Twice(connectLocal)},
		{Name: "plain HTTP", Connect: connectHTTP},
	}
}

func connectLocal(_ testing.TB, host *rpc.Host, caller string) rpc.Conn {
	return direct.Conn(host, caller)
}

// InProcess reaches a host in the caller's process, proven by a profile.
func InProcess(host *rpc.Host, caller string, profile rpc.Profile) rpc.Conn {
	log := slog.New(slog.DiscardHandler)
	return rpc.NewConn(rpc.ConnOptions{Caller: caller, Callee: host.Module(), Profile: profile, Transport: rpc.Local(rpc.NewServer(host, profile, log)), Log: log})
}

// Twice is connect, where every call that may be repeated is made twice and the first answer is lost.
func Twice(connect Connect) Connect {
	return func(t testing.TB, host *rpc.Host, caller string) rpc.Conn { return twice{connect(t, host, caller)} }
}

// twice delivers every call that may be repeated twice, as a transport that lost the first answer does.
type twice struct{ inner rpc.Conn }

func (c twice) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	if op.Row().Retry == rpc.Idempotent {
		_ = c.inner.Invoke(ctx, op, request, op.NewResponse()) // its answer is lost
	}
	return c.inner.Invoke(ctx, op, request, response)
}

// throughJSON makes a JSON round trip of every request, response and fault.
type throughJSON struct{ inner rpc.Conn }

func (c throughJSON) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	sent, answered := op.NewRequest(), op.NewResponse()
	if err := roundTrip(request, sent); err != nil {
		return err
	}
	if err := c.inner.Invoke(ctx, op, sent, answered); err != nil {
		return faultRoundTrip(err)
	}
	return roundTrip(answered, response)
}

func roundTrip(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

func faultRoundTrip(err error) error {
	original := fault.From(err)
	var problem fault.Problem
	if err := roundTrip(original.Problem("/rpc", "trace"), &problem); err != nil {
		return err
	}
	rebuilt, _ := problem.Fault()
	rebuilt.RetryAfter = original.RetryAfter
	return rebuilt
}

// connectHTTP serves host at POST /rpc/<name> on loopback and reaches it there.
func connectHTTP(t testing.TB, host *rpc.Host, caller string) rpc.Conn {
	server := httptest.NewServer(plainServer{host})
	t.Cleanup(server.Close)
	return plainClient{server.URL, server.Client(), caller}
}

const principalHeader, timeoutHeader = "Test-Principal", "Test-Timeout"

type plainServer struct{ host *rpc.Host }

func (s plainServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.serve(r)
	if err != nil {
		problem := fault.From(err)
		w.Header().Set("Retry-After", strconv.Itoa(int(problem.RetryAfter/time.Second)))
		w.WriteHeader(problem.Code.Status())
		_ = json.NewEncoder(w).Encode(problem.Problem(r.URL.Path, "trace"))
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (s plainServer) serve(r *http.Request) (any, error) {
	var in rpc.Incoming
	if err := json.Unmarshal([]byte(r.Header.Get(principalHeader)), &in.Vouched); err != nil {
		return nil, err
	}
	in.Operation, in.Caller, in.Transaction = strings.TrimPrefix(r.URL.Path, "/rpc/"), in.Vouched.Caller, in.Vouched.Transaction
	in.Transport, in.Message = rpc.InProcess, plainMessage{r.Body}
	remaining, err := time.ParseDuration(r.Header.Get(timeoutHeader))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), remaining)
	defer cancel()
	err = rpc.NewServer(s.host, direct.New(trust.Options{}), slog.New(slog.DiscardHandler)).Serve(ctx, &in)
	return in.Response(), err
}

// plainMessage is a request that is read as it came.
type plainMessage struct{ body io.Reader }

func (plainMessage) Digest(context.Context) (none [sha256.Size]byte, err error) { return none, nil }

func (m plainMessage) Read(_ context.Context, op rpc.Operation) (request, response any, err error) {
	request = op.NewRequest()
	return request, op.NewResponse(), json.NewDecoder(m.body).Decode(request)
}

type plainClient struct {
	url    string
	client *http.Client
	caller string
}

func (c plainClient) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	ctx, cancel := context.WithTimeout(ctx, op.Row().Timeout)
	defer cancel()
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	call, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/rpc/"+op.Row().Name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	p := identity.From(ctx)
	p.Caller = c.caller
	principal, err := json.Marshal(p)
	if err != nil {
		return err
	}
	deadline, _ := ctx.Deadline()
	call.Header.Set(principalHeader, string(principal))
	call.Header.Set(timeoutHeader, time.Until(deadline).String())
	answer, err := c.client.Do(call)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusOK {
		return json.Unmarshal(text, response)
	}
	var problem fault.Problem
	if err := json.Unmarshal(text, &problem); err != nil {
		return fmt.Errorf("%s answered %d, not a problem of ours: %w", c.url, answer.StatusCode, err)
	}
	rebuilt, _ := problem.Fault()
	seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
	rebuilt.RetryAfter = time.Duration(seconds) * time.Second
	return rebuilt
}

// Conns gives a module the Conns that it asks for: those that are given, and for each other module one that nobody answers.
func Conns(given map[string]rpc.Conn) func(module string) rpc.Conn {
	return func(module string) rpc.Conn {
		if conn := given[module]; conn != nil {
			return conn
		}
		return rpc.NewConn(rpc.ConnOptions{
			Callee: module, Profile: direct.New(trust.Options{}), Transport: rpc.Unassigned(module), Log: slog.New(slog.DiscardHandler),
		})
	}
}
