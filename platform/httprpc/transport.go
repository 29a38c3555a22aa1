package httprpc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"oms/platform/limits"

	"golang.org/x/sync/singleflight"
)

// The times after which a connection is given up.
const (
	// dialTimeout is for the connection with its handshake: the machines are near each other.
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
	// TLS is asked whenever connections are replaced; what it gives is copied. Neither function may call the transport.
	TLS func() *tls.Config

	// Generation changes when connections have to be replaced: when the own certificate was renewed, or what is trusted
	// has changed. It is asked for every request. Requests in flight finish where they are.
	Generation func() uint64
}

// Transport is the way to other processes: an [http.RoundTripper] that keeps its connections. It is safe for concurrent use.
//
// It speaks HTTP/2 alone. With HTTP/1.1 a caller cannot tell whether a request that it sent into a connection that was just
// being closed has been executed. HTTP/2 says so: GOAWAY names the last request that was taken, and a stream can be refused.
//
// It has a pool of its own over [http.ClientConn], because [http.Transport] sends requests again by itself, opens a connection
// for each of a hundred calls that begin at once, and cannot say whether it was the connection that failed. A request is sent
// once; where a callee's limit of concurrent requests is reached, another connection is opened.
type Transport struct {
	options TransportOptions
	silence time.Duration

	mu         sync.Mutex
	generation uint64
	dialer     *dialer          // of this generation; nil before the first request and after Close
	pools      map[string]*pool // by host:port; only those of this generation
}

// NewTransport makes a transport; it opens nothing yet.
func NewTransport(o TransportOptions) *Transport { return &Transport{options: o, silence: silence} }

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	limits.EndTurn(r.Context()) // it waits from now on
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
	old := t.pools
	t.dialer, t.pools = nil, nil
	t.mu.Unlock()
	retire(old)
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
		p := t.pool(address)
		if conn := p.reserve(); conn != nil {
			return conn, nil
		}
		select {
		case dialled := <-p.dials.DoChan("", p.dial):
			if dialled.Err != nil {
				return nil, dialled.Err
			}
			if conn, _ := dialled.Val.(*http.ClientConn); conn != nil && conn.Err() != nil { // asking again could go on for ever
				return nil, errStillborn
			}
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// pool is the pool of the address in this generation.
func (t *Transport) pool(address string) *pool {
	var old map[string]*pool
	defer func() { retire(old) }()
	t.mu.Lock()
	defer t.mu.Unlock()
	generation := t.options.Generation() // before TLS is asked: a change between the two is found by the next request
	if t.dialer == nil || t.generation != generation {
		old = t.pools
		t.generation, t.dialer, t.pools = generation, newDialer(t.options.TLS(), t.silence), map[string]*pool{}
	}
	if t.pools[address] == nil {
		t.pools[address] = &pool{dialer: t.dialer, address: address}
	}
	return t.pools[address]
}

// retire is called without a lock, because closing a connection writes to it.
func retire(pools map[string]*pool) {
	for _, p := range pools {
		p.retire()
	}
}

// errStillborn is the error of a connection that was closed as soon as it was open.
var errStillborn = errors.New("the connection was closed as soon as it was open")

// pool has the connections of one generation to one address.
type pool struct {
	dialer  *dialer
	address string
	dials   singleflight.Group // at most one at a time, however many calls wait for it

	mu      sync.Mutex
	retired bool
	conns   []*http.ClientConn // the first that has room is used, so that those opened for a rush become idle and close
}

// reserve gives a connection with a place on it; nil where there is none.
func (p *pool) reserve() *http.ClientConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(conn *http.ClientConn) bool { return conn.Err() != nil })
	for _, conn := range p.conns {
		if conn.Reserve() == nil {
			return conn
		}
	}
	return nil
}

// needless reports whether to ask again instead of dialling: another pool, or a connection that was opened meanwhile.
func (p *pool) needless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.retired || slices.ContainsFunc(p.conns, func(conn *http.ClientConn) bool { return conn.Available() > 0 })
}

// dial opens a connection; nil where it is not needed any more.
func (p *pool) dial() (any, error) {
	if p.needless() {
		return nil, nil
	}
	conn, err := p.dialer.dial(p.address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.retired {
		_ = conn.Close()
		return nil, nil
	}
	p.conns = append(p.conns, conn)
	return conn, nil
}

// retire closes the connections, each when nothing is in flight on it any more.
func (p *pool) retire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retired = true
	for _, conn := range p.conns {
		conn.SetStateHook(closeIdle)
		closeIdle(conn) // the hook is called for changes only
	}
	p.conns = nil
}

// closeIdle closes a connection that nothing more is reserved on.
func closeIdle(conn *http.ClientConn) {
	if conn.InFlight() == 0 {
		_ = conn.Close() // nothing is lost with it
	}
}

// dialer opens the connections of one generation.
type dialer struct {
	config *tls.Config
	http2  *http.Transport // makes an HTTP/2 connection of one that is encrypted already; it keeps none
}

func newDialer(config *tls.Config, silence time.Duration) *dialer {
	d := &dialer{config: config.Clone()}
	d.config.NextProtos = []string{http2Protocol}
	d.config.MinVersion = max(d.config.MinVersion, tls.VersionTLS12) // RFC 9113, section 9.2
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true) // by which net/http means: no TLS of its own
	d.http2 = &http.Transport{
		DialContext:            d.encrypted,
		IdleConnTimeout:        idleTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxResponseHeader,
		Protocols:              protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: silence, PingTimeout: silence, WriteByteTimeout: silence},
	}
	return d
}

const http2Protocol = "h2"

var errNoHTTP2 = errors.New("the other side does not speak HTTP/2")

// dial opens a connection for whoever needs one: it is not bound to the request that came first, whose caller may leave.
func (d *dialer) dial(address string) (*http.ClientConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	return d.http2.NewClientConn(ctx, "http", address)
}

// encrypted opens a connection and waits for the first bytes of the callee, which HTTP/2 has it send at once. With TLS 1.3
// the handshake is over for us before the callee has looked at our certificate; a request that is sent into a refusal may
// be answered by a reset, and nobody knows why.
func (d *dialer) encrypted(ctx context.Context, network, address string) (net.Conn, error) {
	plain, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := d.config.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address) // which has dialled it
	}
	conn := &greeted{Conn: tls.Client(plain, config)}
	if err := conn.await(ctx); err != nil {
		_ = plain.Close() // the error says what matters
		return nil, err
	}
	return conn, nil
}

// greeted is a connection whose other side has spoken.
type greeted struct {
	*tls.Conn
	greeting []byte // what it said, as far as it has not been read
}

func (g *greeted) await(ctx context.Context) error {
	if err := g.HandshakeContext(ctx); err != nil {
		return err
	}
	if g.ConnectionState().NegotiatedProtocol != http2Protocol {
		return errNoHTTP2
	}
	deadline, _ := ctx.Deadline()
	if err := g.SetReadDeadline(deadline); err != nil {
		return err
	}
	greeting := make([]byte, 64)
	n, err := g.Conn.Read(greeting)
	if err != nil {
		return err
	}
	g.greeting = greeting[:n]
	return g.SetReadDeadline(time.Time{})
}

// Read implements [net.Conn].
func (g *greeted) Read(to []byte) (int, error) {
	if len(g.greeting) > 0 {
		n := copy(to, g.greeting)
		g.greeting = g.greeting[n:]
		return n, nil
	}
	return g.Conn.Read(to)
}
