package modulestest

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"testing"

	"oms/modules/gateway"
	"oms/modules/system"
	"oms/platform/fault"
	"oms/platform/httprpc"
	"oms/platform/identity"
	"oms/platform/lifecycle"
	"oms/platform/limits"
	"oms/platform/pki"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust"
)

// network is workloads that reach each other with one trust profile.
type network struct {
	domain *domain
	trust.Profile
	mu     sync.Mutex
	served map[*rpc.Host]served
}

// served is a host that is reached over its listener.
type served struct {
	url        string
	transports map[string]*httprpc.Transport // by caller
}

func newNetwork(t testing.TB, d *domain, p system.Profile) *network {
	t.Helper()
	return newProcess(t, d, p, &trust.Revocations{})
}

// newProcess is a network of one process, which has heard by itself what has ended.
func newProcess(t testing.TB, d *domain, p system.Profile, heard *trust.Revocations) *network {
	t.Helper()
	in, err := d.open(p, heard)
	must(t, err)
	return &network{domain: d, Profile: in}
}

// local reaches a host that is in the caller's process, where other modules are not.
func (n *network) local(_ testing.TB, host *rpc.Host, caller string) rpc.Conn {
	return withCredential{rpctest.InProcess(host, caller, n.Profile), n, caller}
}

// remote reaches a host over its listener.
func (n *network) remote(t testing.TB, host *rpc.Host, caller string) rpc.Conn {
	t.Helper()
	return n.remoteBy(t, host, caller, n.Profile)
}

// remoteBy is remote for a caller with another profile than the host's.
func (n *network) remoteBy(t testing.TB, host *rpc.Host, caller string, profile rpc.Profile) rpc.Conn {
	t.Helper()
	url, transport := n.reach(t, host, caller)
	return withCredential{httprpc.NewConn(httprpc.ConnOptions{
		Caller: caller, Callee: host.Module(), URL: url, Profile: profile, Transport: transport, Log: quiet(),
	}), n, caller}
}

// reach gives the caller's connections to a host, which are closed when the test ends that came first.
func (n *network) reach(t testing.TB, host *rpc.Host, caller string) (url string, transport *httprpc.Transport) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	at, found := n.served[host]
	if !found {
		at = served{n.serve(t, host), map[string]*httprpc.Transport{}}
		if n.served == nil {
			n.served = map[*rpc.Host]served{}
		}
		n.served[host] = at
	}
	if at.transports[caller] == nil {
		own := n.domain.keyPair(t, caller)
		at.transports[caller] = httprpc.NewTransport(httprpc.TransportOptions{
			TLS:        func() *tls.Config { return pki.ClientTLS(own, n.domain.peers, host.Module()) },
			Generation: n.domain.peers.Generation,
		})
	}
	return at.url, at.transports[caller]
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve opens the host's listener.
func (n *network) serve(t testing.TB, host *rpc.Host) (url string) {
	t.Helper()
	listener := pki.Listener{
		Name: host.Module(), KeyPair: n.domain.keyPair(t, host.Module()), Peers: n.domain.peers, Anonymous: host.AllowsAnonymous(), Log: quiet(),
	}
	server := lifecycle.HTTPServer{
		Name: host.Module() + " listener", Address: "127.0.0.1:0", TLS: listener.TLS(), Log: quiet(),
		Handler:   httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(host, n.Profile, quiet()), Peer: n.peer, Budget: limits.NewBudget(1<<30, 10_000), Log: quiet()}),
		Listening: func(address net.Addr) { url = "https://" + address.String() },
	}.Part()
	must(t, server.Start(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		n.mu.Lock()
		for _, transport := range n.served[host].transports {
			transport.Close()
		}
		delete(n.served, host)
		n.mu.Unlock()
		if err := errors.Join(server.Stop(context.WithoutCancel(t.Context())), <-ended); err != nil {
			t.Error(err)
		}
	})
	return url
}

// peer is the workload on the other side of a connection.
func (n *network) peer(state *tls.ConnectionState) (string, error) {
	if len(state.PeerCertificates) == 0 {
		return rpc.Anonymous, nil
	}
	return n.domain.peers.Identify(state.PeerCertificates)
}

// withCredential gives the caller a credential for the user whom the context's principal names.
type withCredential struct {
	rpc.Conn
	network *network
	caller  string
}

// Invoke implements [rpc.Conn]. In a service there is a credential already or there is none, as with the product's own
// Conn; only what a suite says is made one.
func (p withCredential) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	said := identity.From(ctx)
	if _, inService := p.network.domain.callees[said.Caller]; said.Subject != "" && !inService {
		credential, err := p.network.credential(ctx, said, p.caller)
		if err != nil {
			return fault.From(err)
		}
		ctx = identity.WithCredential(ctx, credential)
	}
	return p.Conn.Invoke(ctx, op, request, response)
}

// credential is what stands for a user in the caller's hands. An anonymous caller has none.
func (n *network) credential(ctx context.Context, said identity.Principal, caller string) (identity.Credential, error) {
	if caller == rpc.Anonymous {
		return identity.Credential{}, nil
	}
	bearer, err := n.domain.bearer(ctx, said.Subject, said.Scopes)
	if err != nil || caller == gateway.Name {
		return bearer, err
	}
	return n.domain.user(ctx, n.Profile, bearer, caller)
}
