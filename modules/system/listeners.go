package system

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	"oms/modules/sts"
	"oms/platform/httprpc"
	"oms/platform/identity"
	"oms/platform/lifecycle"
	"oms/platform/module"
	"oms/platform/observe/sampled"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// publicListener is where users come in.
func (s *System) publicListener(listening func(string, net.Addr)) (lifecycle.Part, error) {
	certificates, err := s.publicCertificates()
	return lifecycle.HTTPServer{
		Name: "public listener", Address: s.config.Server.Address, Handler: s.Edge, Log: s.log,
		TLS:       &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificates},
		Listening: func(address net.Addr) { listening("public", address) },
	}.Part(), err
}

// publicCertificates are the configured certificate, or those that the STS issues.
func (s *System) publicCertificates() (pki.CertificateSource, error) {
	if files := s.config.Server.TLS; files.CertFile != "" {
		return pki.LoadServerCertificate(files.CertFile, files.KeyFile, s.log)
	}
	return s.trust.member.Public().GetCertificate, nil
}

// moduleListener is where other workloads call a module: with mutual TLS, and a proof for every call.
func (s *System) moduleListener(name string, listening func(string, net.Addr)) lifecycle.Part {
	hosted, pages := s.hosted[name], s.config.module(name).Pages
	host := hosted.Host
	routes := http.NewServeMux()
	routes.Handle("/rpc/", httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(host, s.trust.profile, s.log), Peer: s.peer, Log: s.log}))
	if len(pages) > 0 {
		routes.Handle("/", s.fromGateway(module.PageHandler(pages, hosted.Page)))
	}
	door := pki.Listener{Name: name, KeyPair: s.trust.member.KeyPair(name), Peers: s.trust.peers, Anonymous: host.AllowsAnonymous(), Log: s.log}
	return lifecycle.HTTPServer{
		Name: name + " listener", Address: s.config.ListenAddress(name), Handler: bounded(routes), Log: s.log, TLS: door.TLS(),
		Listening: func(address net.Addr) { listening(name, address) },
	}.Part()
}

// callTimeout is how long a request of another process may take to its end: longer than any caller waits, which is the
// gateway for a page of the STS.
const callTimeout = 16 * time.Second

// bounded gives up answers that nobody reads: HTTP/2 lets whoever asks open no window for them, without a certificate at
// the STS too, and they would hold their connections and the stop of this process.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(callTimeout)) // HTTP/1.1 and HTTP/2 both have one
		next.ServeHTTP(w, r)
	})
}

// peer is the workload on the other side of a connection. It is asked for every request: what was trusted when the
// connection was made may not be any more.
func (s *System) peer(state *tls.ConnectionState) (string, error) {
	if state == nil || len(state.PeerCertificates) == 0 {
		return rpc.Anonymous, nil
	}
	return s.trust.peers.Identify(state.PeerCertificates)
}

// fromGateway lets the gateway alone see the STS's pages, and takes its word for where a request comes from.
func (s *System) fromGateway(pages http.Handler) http.Handler {
	refusals := sampled.New(s.log, time.Now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := s.peer(r.TLS); err != nil || peer != s.config.publicName() {
			refusals.Log(r.Context(), slog.LevelWarn, "the STS's pages are for the gateway", "peer", peer, "from", r.RemoteAddr, "cause", err)
			http.Error(w, "The pages of the STS are reached through the gateway.", http.StatusForbidden)
			return
		}
		ctx := identity.With(r.Context(), identity.Principal{Transaction: identity.FromTraceparent(r.Header.Get("Traceparent"))})
		theirs := r.Clone(ctx)
		theirs.RemoteAddr = r.Header.Get(sts.ClientAddress)
		theirs.Header.Del(sts.ClientAddress)
		pages.ServeHTTP(w, theirs)
	})
}
