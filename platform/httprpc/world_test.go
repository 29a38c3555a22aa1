package httprpc_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/httprpc"
	"oms/platform/limits"
	"oms/platform/observe/observetest"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/trusttest"
)

// lab is a service whose answers a test decides, and that counts how often it was executed.
type lab interface {
	Once(context.Context, sample) (sample, error)
	Again(context.Context, sample) (sample, error)
	Hurry(context.Context, sample) (sample, error)
	Join(context.Context, sample) (sample, error)
}

type sample struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

func labRow(name string, retry rpc.Retry) rpc.Row {
	return rpc.Row{Name: "lab." + name, Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: time.Minute, Retry: retry}
}

var (
	once  = rpc.Define(lab.Once, labRow("Once", rpc.Never))
	again = rpc.Define(lab.Again, labRow("Again", rpc.Idempotent))
	hurry = rpc.Define(lab.Hurry, rpc.Row{Name: "lab.Hurry", Callers: rpc.Callers("gateway"), Who: rpc.Anyone, Timeout: 50 * time.Millisecond})
	join  = rpc.Define(lab.Join, rpc.Row{Name: "lab.Join", Callers: rpc.Callers(rpc.Anonymous, "gateway"), Who: rpc.Workload, Proof: rpc.ByCertificate, Timeout: time.Minute})
	table = rpc.Table[lab]{once, again, hurry, join}
)

type labService struct {
	do func(context.Context, sample) (sample, error)

	mu       sync.Mutex
	executed map[string]int // by sample.ID
}

func (s *labService) perform(ctx context.Context, in sample) (sample, error) {
	s.mu.Lock()
	if s.executed == nil {
		s.executed = map[string]int{}
	}
	s.executed[in.ID]++
	s.mu.Unlock()
	if s.do == nil {
		return in, nil
	}
	return s.do(ctx, in)
}

func (s *labService) Once(ctx context.Context, in sample) (sample, error)  { return s.perform(ctx, in) }
func (s *labService) Again(ctx context.Context, in sample) (sample, error) { return s.perform(ctx, in) }
func (s *labService) Hurry(ctx context.Context, in sample) (sample, error) { return s.perform(ctx, in) }
func (s *labService) Join(ctx context.Context, in sample) (sample, error)  { return s.perform(ctx, in) }

// times is how often the sample with the id was executed.
func (s *labService) times(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executed[id]
}

// world is the lab behind a listener, and what is needed to call it. Its fields are set before start.
type world struct {
	t          testing.TB
	authority  *authority
	service    *labService
	profile    *trusttest.Profile
	wrap       func(http.Handler) http.Handler // around the lab's handler
	config     func(*http.Server)
	observer   *rpctest.Observer
	host       *rpc.Host
	log        *observetest.Log
	generation atomic.Uint64
	handshakes atomic.Int64 // of the listener
	server     *httptest.Server
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, authority: newAuthority(t), service: &labService{}, profile: &trusttest.Profile{}, observer: &rpctest.Observer{}, log: &observetest.Log{}}
	host, err := rpc.NewHost[lab]("lab", table, w.service, w.observer, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.host = host
	return w
}

func (w *world) logger() *slog.Logger { return slog.New(slog.NewTextHandler(w.log, nil)) }

// start opens the listener.
func (w *world) start() *world {
	w.t.Helper()
	handler := httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(w.host, w.profile, w.logger()), Peer: peer, Budget: limits.NewBudget(1<<30, 10_000), Log: w.logger()})
	if w.wrap != nil {
		handler = w.wrap(handler)
	}
	w.server = w.serve(handler)
	return w
}

// serve opens a listener for any handler, with the lab's certificate.
func (w *world) serve(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = true
	server.TLS = w.authority.server(w.t, "lab")
	server.TLS.VerifyConnection = func(tls.ConnectionState) error { w.handshakes.Add(1); return nil }
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if w.config != nil {
		w.config(server.Config)
	}
	server.StartTLS()
	w.t.Cleanup(server.Close)
	return server
}

// transport is a new transport for a workload.
func (w *world) transport(workload string) *httprpc.Transport {
	config := w.authority.client(w.t, workload)
	transport := httprpc.NewTransport(httprpc.TransportOptions{
		TLS: func() *tls.Config { return config }, Generation: w.generation.Load,
	})
	w.t.Cleanup(transport.Close)
	return transport
}

// conn calls the lab for a workload.
func (w *world) conn(workload string) rpc.Conn {
	return w.connTo(workload, w.server.URL, w.transport(workload))
}

func (w *world) connTo(workload, url string, transport http.RoundTripper) rpc.Conn {
	return httprpc.NewConn(httprpc.ConnOptions{
		Caller: workload, Callee: "lab", URL: url, Profile: w.profile, Transport: transport, Log: w.logger(),
	})
}
