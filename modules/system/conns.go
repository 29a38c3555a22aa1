package system

import (
	"crypto/tls"
	"fmt"

	"oms/modules/sts"
	"oms/platform/httprpc"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// conn reaches a module on behalf of another one, as the configuration has it. Each caller has one Conn to each callee,
// which knows whether calls fail, so that an outage is logged when it begins and when it ends.
func (s *System) conn(callee, caller string) rpc.Conn {
	key := caller + " " + callee
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[key] == nil {
		s.conns[key] = s.connect(callee, caller)
	}
	return s.conns[key]
}

func (s *System) connect(callee, caller string) rpc.Conn {
	host, url := s.hosted[callee].Host, s.config.Module(callee).URL
	if host == nil && url != "" {
		options := httprpc.ConnOptions{
			Caller: caller, Callee: callee, URL: url, Profile: s.trust.profile, Transport: s.transport(callee, caller), Log: s.log,
		}
		if callee == sts.Name { // which alone can let it in again
			options.Rejected = func() { s.trust.member.Rejected(caller) }
		}
		return httprpc.NewConn(options)
	}
	transport := rpc.Unassigned(callee)
	if host != nil {
		transport = rpc.Local(rpc.NewServer(host, s.trust.profile, s.log))
	}
	return rpc.NewConn(rpc.ConnOptions{Caller: caller, Callee: callee, Profile: s.trust.profile, Transport: transport, Log: s.log.With("callee", callee)})
}

// transport has the connections from one workload to another one.
func (s *System) transport(callee, caller string) *httprpc.Transport {
	key := caller + " " + callee
	s.transportsMu.Lock()
	defer s.transportsMu.Unlock()
	if s.transports[key] == nil {
		own := s.trust.member.KeyPair(caller)
		s.transports[key] = httprpc.NewTransport(httprpc.TransportOptions{
			TLS:        func() *tls.Config { return pki.ClientTLS(own, s.trust.peers, callee) },
			Generation: func() uint64 { return own.Generation() + s.trust.peers.Generation() },
		})
	}
	return s.transports[key]
}

// describe says how a module is reached from here.
func (s *System) describe(module string) string {
	name, url := s.trust.profile.Name(), s.config.Module(module).URL
	switch {
	case s.hosted[module].Host != nil && !s.config.Split():
		return name
	case s.hosted[module].Host != nil:
		return fmt.Sprintf("%s, %s", rpc.InProcess, name)
	case url == "":
		return "unassigned"
	}
	return fmt.Sprintf("%s, %s, at %s", rpc.OverHTTPS, name, url)
}
