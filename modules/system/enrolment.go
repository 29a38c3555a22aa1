package system

import (
	"context"
	"crypto/tls"
	"time"

	"oms/modules/sts"
	"oms/platform/httprpc"
	"oms/platform/pki"
	"oms/platform/rpc"
)

// enrolment is the STS as an anonymous caller reaches it, who knows nothing but the fingerprint of its root. It stays the same
// while the fingerprint does, so that what is in the way is logged once.
func (s *System) enrolment(fingerprint string) sts.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.anonymous.fingerprint == fingerprint {
		return s.anonymous.Client
	}
	transport := httprpc.NewTransport(httprpc.TransportOptions{
		TLS:        func() *tls.Config { return pki.PinnedTLS(s.config.Trust.Domain, fingerprint, sts.Name, time.Now) },
		Generation: func() uint64 { return 0 },
	})
	conn := httprpc.NewConn(httprpc.ConnOptions{
		Caller: rpc.Anonymous, Callee: sts.Name, URL: s.config.Module(sts.Name).URL, Profile: s.trust.profile, Transport: transport, Log: s.log,
	})
	s.anonymous = anonymous{sts.Client{Conn: closing{conn, transport}}, fingerprint}
	return s.anonymous.Client
}

// anonymous is a client of the STS without a certificate.
type anonymous struct {
	sts.Client
	fingerprint string // of the root that the STS has to show
}

// closing is a Conn that keeps no connection: it is needed once, or a while later.
type closing struct {
	rpc.Conn
	transport *httprpc.Transport
}

func (c closing) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	defer c.transport.Close()
	return c.Conn.Invoke(ctx, op, request, response)
}

// joinFile is where the join token of a workload of this process is.
func (s *System) joinFile(workload string) string {
	if s.options.JoinTokenFile != "" {
		return s.options.JoinTokenFile
	}
	return sts.JoinFile(s.config.DataDir, workload)
}
