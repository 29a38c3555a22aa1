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
	"oms/platform/pki"
	"oms/platform/rpc"
)

// way is how workloads reach each other with one profile.
type way struct {
	domain *domain
	opened
	mu     sync.Mutex
	served map[*rpc.Host]served
}

// served is a host that is reached over its listener.
type served struct {
	url        string
	transports map[string]*httprpc.Transport // by caller
}

func newWay(t testing.TB, d *domain, p system.Profile) *way {
	t.Helper()
	in, err := d.open(p)
	must(t, err)
	return &way{domain: d, opened: in}
}

// local reaches a host that is in the caller's process, where other modules are not.
func (w *way) local(_ testing.TB, host *rpc.Host, caller string) rpc.Conn {
	return proving{inProcess(host, caller, w.Profile), w, caller}
}

// inProcess reaches a host in the caller's process, proven by a profile.
func inProcess(host *rpc.Host, caller string, profile rpc.Profile) rpc.Conn {
	return rpc.NewConn(rpc.ConnOptions{
		Caller: caller, Callee: host.Module(), Profile: profile, Transport: rpc.Local(rpc.NewServer(host, profile, quiet())), Log: quiet(),
	})
}

// remote reaches a host over its listener.
func (w *way) remote(t testing.TB, host *rpc.Host, caller string) rpc.Conn {
	t.Helper()
	return w.remoteBy(t, host, caller, w.Profile)
}

// remoteBy is remote for a caller with another profile than the host's.
func (w *way) remoteBy(t testing.TB, host *rpc.Host, caller string, profile rpc.Profile) rpc.Conn {
	t.Helper()
	url, transport := w.reach(t, host, caller)
	return proving{httprpc.NewConn(httprpc.ConnOptions{
		Caller: caller, Callee: host.Module(), URL: url, Profile: profile, Transport: transport, Log: quiet(),
	}), w, caller}
}

// reach gives the caller's connections to a host, which are closed when the test ends that came first.
func (w *way) reach(t testing.TB, host *rpc.Host, caller string) (url string, transport *httprpc.Transport) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	at, found := w.served[host]
	if !found {
		at = served{w.serve(t, host), map[string]*httprpc.Transport{}}
		if w.served == nil {
			w.served = map[*rpc.Host]served{}
		}
		w.served[host] = at
	}
	if at.transports[caller] == nil {
		own := w.domain.keyPair(t, caller)
		at.transports[caller] = httprpc.NewTransport(httprpc.TransportOptions{
			TLS:        func() *tls.Config { return pki.ClientTLS(own, w.domain.peers, host.Module()) },
			Generation: w.domain.peers.Generation,
		})
	}
	return at.url, at.transports[caller]
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serve opens the host's listener.
func (w *way) serve(t testing.TB, host *rpc.Host) (url string) {
	t.Helper()
	door := pki.Listener{
		Name: host.Module(), KeyPair: w.domain.keyPair(t, host.Module()), Peers: w.domain.peers, Anonymous: host.AllowsAnonymous(), Log: quiet(),
	}
	server := lifecycle.HTTPServer{
		Name: host.Module() + " listener", Address: "127.0.0.1:0", TLS: door.TLS(), Log: quiet(),
		Handler:   httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(host, w.Profile, quiet()), Peer: w.peer, Log: quiet()}),
		Listening: func(address net.Addr) { url = "https://" + address.String() },
	}.Part()
	must(t, server.Start(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(context.WithoutCancel(t.Context())) }()
	t.Cleanup(func() {
		w.mu.Lock()
		for _, transport := range w.served[host].transports {
			transport.Close()
		}
		delete(w.served, host)
		w.mu.Unlock()
		if err := errors.Join(server.Stop(context.WithoutCancel(t.Context())), <-ended); err != nil {
			t.Error(err)
		}
	})
	return url
}

// peer is the workload on the other side of a connection.
func (w *way) peer(state *tls.ConnectionState) (string, error) {
	if len(state.PeerCertificates) == 0 {
		return rpc.Anonymous, nil
	}
	return w.domain.peers.Identify(state.PeerCertificates)
}

// proving gives the caller a credential for the user whom the context's principal names.
type proving struct {
	rpc.Conn
	way    *way
	caller string
}

// Invoke implements [rpc.Conn]. In a service there is a credential already or there is none, as with the product's own
// Conn; only what a suite says is made one.
func (p proving) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	said := identity.From(ctx)
	if _, inService := p.way.domain.callees[said.Caller]; said.Subject != "" && !inService {
		credential, err := p.way.credential(ctx, said, p.caller)
		if err != nil {
			return fault.From(err)
		}
		ctx = identity.WithCredential(ctx, credential)
	}
	return p.Conn.Invoke(ctx, op, request, response)
}

// credential is what stands for a user in the caller's hands. An anonymous caller has none.
func (w *way) credential(ctx context.Context, said identity.Principal, caller string) (identity.Credential, error) {
	if caller == rpc.Anonymous {
		return identity.Credential{}, nil
	}
	bearer, err := w.domain.bearer(ctx, said.Subject, said.Scopes)
	if err != nil || caller == gateway.Name {
		return bearer, err
	}
	return w.user(ctx, bearer, caller)
}
