package httprpc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

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
