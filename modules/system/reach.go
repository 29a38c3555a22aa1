package system

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"time"

	"oms/modules/gateway"
	stshost "oms/modules/sts/host"
	"oms/platform/httprpc"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// conn reaches a module on behalf of another one, as the configuration has it.
func (s *System) conn(module, caller string) rpc.Conn {
	host, url := s.hosts[module], s.config.Module(module).URL
	if host == nil && url != "" {
		return s.remote(module, caller, url)
	}
	transport := rpc.Unassigned(module)
	if host != nil {
		transport = rpc.Local(rpc.NewServer(host, s.trust.profile, s.log))
	}
	return rpc.NewConn(rpc.ConnOptions{Caller: caller, Callee: module, Profile: s.trust.profile, Transport: transport, Log: s.log.With("callee", module)})
}

// remote reaches a module in another process. Each caller has one way to each callee, which knows whether calls fail, so that
// an outage is logged when it begins and when it ends.
func (s *System) remote(module, caller, url string) rpc.Conn {
	transport, way := s.transport(module, caller), caller+" "+module
	s.ways.Lock()
	defer s.ways.Unlock()
	if conn := s.remotes[way]; conn != nil {
		return conn
	}
	options := httprpc.ConnOptions{
		Caller: caller, Callee: module, URL: url, Profile: s.trust.profile, Transport: transport, Log: s.log,
	}
	if module == "sts" { // which alone can let it in again
		options.Rejected = func() { s.trust.member.Rejected(caller) }
	}
	s.remotes[way] = httprpc.NewConn(options)
	return s.remotes[way]
}

// transport has the connections from one workload to another one.
func (s *System) transport(module, caller string) *httprpc.Transport {
	s.ways.Lock()
	defer s.ways.Unlock()
	way := caller + " " + module
	if s.transports[way] == nil {
		own := s.trust.member.Identity(caller)
		s.transports[way] = httprpc.NewTransport(httprpc.TransportOptions{
			TLS:        func() *tls.Config { return pki.ClientTLS(own, s.trust.peers, module) },
			Generation: func() uint64 { return own.Generation() + s.trust.peers.Generation() },
		})
	}
	return s.transports[way]
}

// pinned is how a stranger reaches the STS.
func pinned(domain, fingerprint string) func() *tls.Config {
	return func() *tls.Config { return pki.PinnedTLS(domain, fingerprint, "sts", time.Now) }
}

// pages are the pages of the modules, wherever these are.
func (s *System) pages() (pages []gateway.Page, err error) {
	at := s.config.Module("sts").URL
	var handler gateway.Handler
	if s.sts == nil && at != "" {
		base, err := url.Parse(at)
		if err != nil {
			return nil, err
		}
		handler = gateway.Remote(base, s.transport("sts", gateway.Name), s.log)
	}
	for _, page := range stshost.Pages() {
		if s.sts != nil {
			handler = gateway.Local(s.sts.Page(page))
		}
		pages = append(pages, gateway.Page{Page: page, Handler: handler})
	}
	return pages, nil
}

// how says how a module is reached from here.
func (s *System) how(module string) string {
	name, url := s.trust.profile.Name(), s.config.Module(module).URL
	switch {
	case s.hosts[module] != nil && !s.config.Split():
		return name
	case s.hosts[module] != nil:
		return fmt.Sprintf("%s, %s", rpc.InProcess, name)
	case url == "":
		return "unassigned"
	}
	return fmt.Sprintf("%s, %s, at %s", rpc.OverHTTPS, name, url)
}
