package system

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"oms/modules/sts"
	"oms/platform/httprpc"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// link is how one workload reaches a module. Its Conn knows whether calls fail, so that an outage is logged when it begins
// and when it ends.
type link struct {
	rpc.Conn
	transport *httprpc.Transport // nil where the module is in this process, or nowhere
}

// link is the one under key, which connect makes where there is none yet.
func (s *System) link(key string, connect func() link) link {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, known := s.links[key]
	if !known {
		l = connect()
		s.links[key] = l
	}
	return l
}

// reach is the link from one module to another one, as the configuration has it.
func (s *System) reach(callee, caller string) link {
	return s.link(caller+" "+callee, func() link {
		host, url := s.hosted[callee].Host, s.config.Module(callee).URL
		if host == nil && url != "" {
			own := s.trust.member.KeyPair(caller)
			rejected := func() { s.trust.member.Rejected(caller) }
			if callee != sts.Name { // which alone can let it in again
				rejected = nil
			}
			return s.connect(httprpc.ConnOptions{Caller: caller, Callee: callee, Rejected: rejected}, httprpc.TransportOptions{
				TLS:        func() *tls.Config { return pki.ClientTLS(own, s.trust.peers, callee) },
				Generation: func() uint64 { return own.Generation() + s.trust.peers.Generation() },
			})
		}
		transport := rpc.Unassigned(callee)
		if host != nil {
			transport = rpc.Local(rpc.NewServer(host, s.trust.profile, s.log))
		}
		return link{Conn: rpc.NewConn(rpc.ConnOptions{
			Caller: caller, Callee: callee, Profile: s.trust.profile, Transport: transport, Log: s.log.With("callee", callee),
		})}
	})
}

// enrolment is the STS as an anonymous caller reaches it, who knows nothing but the fingerprint of its root.
func (s *System) enrolment(fingerprint string) sts.Service {
	return sts.Client{Conn: oneCall{s.link(rpc.Anonymous+" "+fingerprint, func() link {
		return s.connect(httprpc.ConnOptions{Caller: rpc.Anonymous, Callee: sts.Name}, httprpc.TransportOptions{
			TLS:        func() *tls.Config { return pki.PinnedTLS(s.config.Trust.Domain, fingerprint, sts.Name, time.Now) },
			Generation: func() uint64 { return 0 },
		})
	})}}
}

// connect makes the link to a module in another process.
func (s *System) connect(o httprpc.ConnOptions, t httprpc.TransportOptions) link {
	transport := httprpc.NewTransport(t)
	o.URL, o.Profile, o.Transport, o.Log = s.config.Module(o.Callee).URL, s.trust.profile, transport, s.log
	return link{httprpc.NewConn(o), transport}
}

// oneCall is a link that keeps no connection between calls: it is needed once, or a while later.
type oneCall struct{ link }

func (c oneCall) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	defer c.transport.Close()
	return c.Conn.Invoke(ctx, op, request, response)
}

// disconnect closes the connections to other processes.
func (s *System) disconnect(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l.transport != nil {
			l.transport.Close()
		}
	}
	return nil
}

// unassigned is how a module is reached that is nowhere.
const unassigned = "unassigned"

// describe says how a module is reached from here.
func (s *System) describe(module string) string {
	name, url := s.trust.profile.Name(), s.config.Module(module).URL
	switch {
	case s.hosted[module].Host != nil && !s.config.Split():
		return name
	case s.hosted[module].Host != nil:
		return fmt.Sprintf("%s, %s", rpc.InProcess, name)
	case url == "":
		return unassigned
	}
	return fmt.Sprintf("%s, %s, at %s", rpc.OverHTTPS, name, url)
}
