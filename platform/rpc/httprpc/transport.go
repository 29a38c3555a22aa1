package httprpc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// The times after which a connection is given up.
const (
	// dialTimeout is for the connection and for the handshake, each: the machines are near each other.
	dialTimeout = 3 * time.Second

	// idleTimeout is shorter than the 75 s of our servers, so that it is the caller who closes and no call meets a
	// connection that is being closed.
	idleTimeout = 60 * time.Second

	// silence is how long nothing may arrive before the connection is asked for a sign of life, and how long that may
	// take. A connection into a black hole takes its calls' deadlines for as long, and no longer.
	silence = 3 * time.Second
)

// TransportOptions are what connections are made with.
type TransportOptions struct {
	TLS func() *tls.Config // asked whenever connections are replaced; nothing of it is changed here

	// Generation changes when connections have to be replaced: when the own certificate was renewed, or what is trusted
	// has changed. It is asked for every request. Requests in flight finish where they are.
	Generation func() uint64
}

// Transport is the way to other processes: an [http.RoundTripper] that keeps its connections. It is safe for concurrent
// use.
//
// It speaks HTTP/2 and nothing else. With HTTP/1.1 a caller cannot tell whether a request that it sent into a connection
// that was just being closed has been executed; every restart of a callee would leave orders of which nobody knows the
// outcome. HTTP/2 says so: GOAWAY names the last request that was taken, and a stream can be refused. A cancelled call is
// a reset stream and not a lost handshake, and many calls share few connections. That one lost packet holds up all calls
// of a connection does not matter in a data centre.
//
// It has a pool of its own over [http.ClientConn], because [http.Transport] sends requests again by itself, opens a
// connection for each of a hundred calls that begin at once, and cannot say whether it was the connection that failed. A
// request is sent once, on one connection. Where a callee's limit of concurrent requests is reached, another connection is
// opened.
type Transport struct {
	options TransportOptions
	silence time.Duration

	mu         sync.Mutex
	generation uint64
	dialer     *http.Transport  // of this generation; nil before the first request and after Close
	pools      map[string]*pool // by host:port; only those of this generation
}

// NewTransport makes a transport; it opens nothing yet.
func NewTransport(o TransportOptions) *Transport { return &Transport{options: o, silence: silence} }

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	conn, err := t.connect(r)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as the contract of a RoundTripper has it
		}
		return nil, err
	}
	return conn.RoundTrip(r)
}

// Close closes the connections that are idle, and the others when their last request has finished.
func (t *Transport) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retire()
}

// connect gives a connection that has a place reserved for the request.
func (t *Transport) connect(r *http.Request) (*http.ClientConn, error) {
	if r.URL.Scheme != "https" {
		return nil, errors.New("only https:// URLs are called")
	}
	address := r.URL.Host
	if r.URL.Port() == "" {
		address = net.JoinHostPort(r.URL.Hostname(), "443")
	}
	for {
		conn, dialing := t.reserve(address)
		if conn != nil {
			return conn, nil
		}
		select {
		case <-dialing.done:
			if dialing.err != nil {
				return nil, dialing.err
			}
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func (t *Transport) reserve(address string) (*http.ClientConn, *dialing) {
	generation := t.options.Generation() // before TLS is asked: a change between the two is found by the next request
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dialer == nil || t.generation != generation {
		t.retire()
		t.generation, t.dialer, t.pools = generation, t.newDialer(), map[string]*pool{}
	}
	p := t.pools[address]
	if p == nil {
		p = &pool{dialer: t.dialer, address: address}
		t.pools[address] = p
	}
	return p.reserve()
}

// retire lets go of all connections; t.mu is held.
func (t *Transport) retire() {
	for _, p := range t.pools {
		p.retire()
	}
	t.dialer, t.pools = nil, nil
}

func (t *Transport) newDialer() *http.Transport {
	config := t.options.TLS().Clone()
	config.NextProtos = nil // net/http offers what Protocols says
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if state.NegotiatedProtocol != "h2" {
			return errNoHTTP2
		}
		if verify == nil {
			return nil
		}
		return verify(state)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    dialTimeout,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
		Protocols:              protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: t.silence, PingTimeout: t.silence, WriteByteTimeout: t.silence},
	}
}

var errNoHTTP2 = errors.New("the other side does not speak HTTP/2")

// dial opens a connection for whoever needs one: it is not bound to the request that came first, whose caller may leave.
func dial(dialer *http.Transport, address string) (*http.ClientConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*dialTimeout)
	defer cancel()
	return dialer.NewClientConn(ctx, "https", address)
}
