package httprpc_test

import (
	"crypto/tls"
	"log/slog"
	"net/http/httptest"
	"testing"

	"oms/platform/httprpc"
	"oms/platform/limits"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/trusttest"
)

func TestACallToAnotherProcessBehavesAsEveryOther(t *testing.T) {
	rpctest.Parity(t, rpctest.Shape{Name: "HTTP/2 over mutual TLS", Connect: connect})
}

// connect serves host over mutual TLS on loopback and reaches it there.
func connect(t testing.TB, host *rpc.Host, caller string) rpc.Conn {
	authority, profile, log := newAuthority(t), &trusttest.Profile{}, slog.New(slog.DiscardHandler)
	server := httptest.NewUnstartedServer(httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(host, profile, log), Peer: peer, Budget: limits.NewBudget(1<<30, 10_000), Log: log}))
	server.TLS, server.EnableHTTP2 = authority.server(t, host.Module()), true
	server.StartTLS()
	t.Cleanup(server.Close)
	config := authority.client(t, caller)
	transport := httprpc.NewTransport(httprpc.TransportOptions{TLS: func() *tls.Config { return config }, Generation: func() uint64 { return 0 }})
	t.Cleanup(transport.Close)
	return httprpc.NewConn(httprpc.ConnOptions{
		Caller: caller, Callee: host.Module(), URL: server.URL, Profile: profile, Transport: transport, Log: log,
	})
}
