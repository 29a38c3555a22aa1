package system

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"oms/modules/sts"
	"oms/platform/connections"
	"oms/platform/httprpc"
	"oms/platform/identity"
	"oms/platform/lifecycle"
	"oms/platform/module"
	"oms/platform/observe/sampled"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// Parts are what the process starts, in this order, and stops in reverse: the listeners before the relay, and the
// databases last of all. Health can be asked from the beginning; what others reach waits until this process can prove who
// it is. listening is told the address of each listener. On an error nothing stays open.
func (s *System) Parts(listening func(name string, address net.Addr)) ([]lifecycle.Part, error) {
	bounds, err := s.bounds(len(s.config.Listeners()))
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	parts := []lifecycle.Part{
		{Name: "databases", Stop: func(context.Context) error { return s.close() }},
		lifecycle.HTTPServer{
			Name: "admin listener", Address: s.config.AdminAddress(), Setting: adminSetting, Handler: bounded(s.Admin), Log: s.log,
			Connections: s.table("admin", adminBounds()),
			Listening:   func(address net.Addr) { listening("admin", address) },
		}.Part(),
		{Name: "connections", Stop: s.disconnect},
		{Name: "membership", Start: s.trust.member.Start, Run: s.trust.member.Run},
	}
	if from, has := s.trust.profile.(publisher); has {
		parts = append(parts, background("workload keys", func(ctx context.Context) { s.publishKeys(ctx, from) }))
	}
	if profile, has := s.trust.profile.(keeper); has {
		parts = append(parts, background("workload tokens", func(ctx context.Context) { s.keepOwn(ctx, profile) }))
	}
	for _, name := range s.config.names() {
		for _, work := range s.hosted[name].Background {
			parts = append(parts, background(work.Name, work.Run))
		}
	}
	for _, name := range s.workloads() {
		if s.hosted[name].Host != nil {
			parts = append(parts, s.moduleListener(name, bounds, listening))
		}
	}
	if s.Edge != nil {
		if s.certificate != nil {
			parts = append(parts, background("server certificate", s.watchCertificate))
		}
		parts = append(parts, s.publicListener(bounds, listening))
	}
	// It starts last and stops first: a process says that it is ready when every listener is open, and no more from when it
	// is told to stop, so that whoever sends it requests looks elsewhere.
	return append(parts, lifecycle.Part{Name: "readiness", Start: s.setServing(true), Stop: s.setServing(false)}), nil
}

func background(name string, run func(context.Context)) lifecycle.Part {
	return lifecycle.Part{Name: name, Run: func(ctx context.Context) error {
		run(ctx)
		return nil
	}}
}

// setServing says that the process is ready, or no more.
func (s *System) setServing(serving bool) func(context.Context) error {
	return func(context.Context) error {
		s.serving.Store(serving)
		return nil
	}
}

func (s *System) isServing(context.Context) error {
	if !s.serving.Load() {
		return errors.New("it is starting or stopping")
	}
	return nil
}

// publisher is a profile that has public keys to show to people.
type publisher interface {
	Published() (map[string]string, error) // by workload, a JWK Set
}

const (
	// publishInterval is how often it is looked whether the keys have changed.
	publishInterval = time.Second
	// publishAgain is how often they are shown again, so that those of a workload that has stopped are not shown for ever.
	publishAgain = time.Minute
)

// publishKeys shows people the public keys of the workloads of this process, whenever they have changed and now and then,
// until ctx ends.
func (s *System) publishKeys(ctx context.Context, from publisher) {
	shown, last := map[string]string{}, time.Now()
	ticker := time.NewTicker(publishInterval)
	defer ticker.Stop()
	for {
		if time.Since(last) >= publishAgain {
			clear(shown)
			last = time.Now()
		}
		published, err := from.Published()
		for workload, jwks := range published {
			if err == nil && shown[workload] != jwks {
				if _, err = s.stsFor(workload).PublishKeys(ctx, sts.PublishKeysRequest{JWKS: jwks}); err == nil {
					shown[workload] = jwks
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			s.log.DebugContext(ctx, "the keys of the workloads are not shown yet", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// keeper is a profile in which workloads have tokens of their own.
type keeper interface {
	KeepOwn(ctx context.Context, workload string, callees []string)
}

// keepOwn has the workloads of this process keep their tokens, for every module that lists them.
func (s *System) keepOwn(ctx context.Context, profile keeper) {
	var all sync.WaitGroup
	for _, workload := range s.workloads() {
		var callees []string
		for _, callee := range s.config.modules {
			if callee.Name != workload && slices.Contains(callee.Callers(), workload) {
				callees = append(callees, callee.Name)
			}
		}
		all.Go(func() { profile.KeepOwn(ctx, workload, callees) })
	}
	all.Wait()
}

// publicListener is where users come in, with the configured certificate, or with those that the STS issues.
func (s *System) publicListener(bounds connections.Bounds, listening func(string, net.Addr)) lifecycle.Part {
	var certificates pki.CertificateSource
	if s.certificate != nil {
		certificates = s.certificate.GetCertificate
	} else {
		certificates = s.trust.member.Public().GetCertificate
	}
	return lifecycle.HTTPServer{
		Name: "public listener", Address: s.config.Server.Address, Setting: publicSetting, Handler: s.Edge, Log: s.log, URL: s.config.PublicURL(),
		TLS:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificates},
		Connections: s.table("public", bounds),
		Listening:   func(address net.Addr) { listening("public", address) },
	}.Part()
}

// moduleListener is where other workloads call a module: with mutual TLS, and a proof for every call.
func (s *System) moduleListener(name string, bounds connections.Bounds, listening func(string, net.Addr)) lifecycle.Part {
	hosted, pages := s.hosted[name], s.config.module(name).Pages
	host := hosted.Host
	routes := http.NewServeMux()
	routes.Handle("/rpc/", httprpc.NewHandler(httprpc.HandlerOptions{Server: rpc.NewServer(host, s.trust.profile, s.log), Peer: s.peer, Budget: s.budget, Log: s.log}))
	if len(pages) > 0 {
		routes.Handle("/", s.fromGateway(module.PageHandler(pages, hosted.Page)))
	}
	bounds.Strangers = min(moduleStrangers, bounds.All/2)
	door := pki.Listener{Name: name, KeyPair: s.trust.member.KeyPair(name), Peers: s.trust.peers, Anonymous: host.AllowsAnonymous(), Log: s.log}
	return lifecycle.HTTPServer{
		Name: name + " listener", Address: s.config.ListenAddress(name), Setting: s.config.listener(name).key, Handler: bounded(routes), Log: s.log, TLS: door.TLS(),
		Connections: s.table(name, bounds),
		Listening:   func(address net.Addr) { listening(name, address) },
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
