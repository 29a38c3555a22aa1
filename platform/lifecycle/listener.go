package lifecycle

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"oms/platform/connections"
	"oms/platform/framing"
)

// handshakeTimeout is how long a client may take for the handshake: two round trips and a signature, so the slowest phone
// needs less.
const handshakeTimeout = 5 * time.Second

// doorway is a listener whose connections are ready for requests: the handshake is done, and what speaks HTTP/1 is guarded
// ([framing.Conn]). net/http would do the handshake itself, but leaves no room above it; a *tls.Conn, which it takes for
// HTTP/2, is handed on only where the client has chosen that.
type doorway struct {
	net.Listener
	tls   *tls.Config        // nil is plain
	table *connections.Table // nil is without bounds
	log   *slog.Logger

	ready  chan net.Conn
	failed chan error
	closed chan struct{}
	close  sync.Once
	err    error // of close
}

func newDoorway(l net.Listener, config *tls.Config, table *connections.Table, log *slog.Logger) *doorway {
	return &doorway{
		Listener: l, tls: config, table: table, log: log,
		ready: make(chan net.Conn), failed: make(chan error), closed: make(chan struct{}),
	}
}

// Accept implements [net.Listener].
func (d *doorway) Accept() (net.Conn, error) {
	select {
	case c := <-d.ready:
		return c, nil
	case err := <-d.failed:
		return nil, err
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. Handshakes that are under way are given up.
func (d *doorway) Close() error {
	d.close.Do(func() {
		close(d.closed)
		d.err = d.Listener.Close()
	})
	return d.err
}

// run accepts connections until the doorway is closed, and returns when none of them is left with it.
func (d *doorway) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var shaking sync.WaitGroup
	defer shaking.Wait()
	defer cancel()
	for {
		c, err := d.Listener.Accept()
		if err == nil {
			c = d.admit(c)
		}
		switch {
		case err != nil:
			select {
			case d.failed <- err: // net/http knows which errors pass, and waits before it asks again
			case <-d.closed:
				return
			}
		case c == nil:
		case d.tls == nil:
			d.hand(framing.Guard(c, d.tell(c)))
		default:
			shaking.Go(func() { d.shake(ctx, c) })
		}
	}
}

// admit gives a connection its place; nil where there is none.
func (d *doorway) admit(c net.Conn) net.Conn {
	if d.table == nil {
		return c
	}
	if admitted := d.table.Admit(c); admitted != nil {
		return admitted
	}
	return nil
}

// placed is the place of a connection that net/http was handed, whatever stands above it; nil where there is no table.
func placed(c net.Conn) *connections.Conn {
	for {
		if place, ok := c.(*connections.Conn); ok {
			return place
		}
		above, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = above.NetConn()
	}
}

// follow tells the table which connections have a request under way.
func follow(c net.Conn, state http.ConnState) {
	place := placed(c)
	switch {
	case place == nil:
	case state == http.StateActive:
		place.Working()
	case state == http.StateIdle:
		place.Waiting()
	}
}

// hand gives a connection to net/http.
func (d *doorway) hand(c net.Conn) {
	select {
	case d.ready <- c:
	case <-d.closed:
		_ = c.Close()
	}
}

// shake does the handshake of one connection.
func (d *doorway) shake(ctx context.Context, raw net.Conn) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	c := tls.Server(raw, d.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		d.refuse(raw, err)
		return
	}
	state := c.ConnectionState()
	if place := placed(raw); place != nil && len(state.PeerCertificates) > 0 { // which the handshake has judged
		place.Proven()
	}
	if state.NegotiatedProtocol == "h2" {
		d.hand(c)
		return
	}
	d.hand(framing.GuardTLS(c, d.tell(raw)))
}

// plainAnswer is for who forgot the s of https.
const plainAnswer = "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"This is an HTTPS server: write https:// in front of its address.\n"

// refuse ends a connection whose handshake has failed. That is a client's business (a browser that does not know the root,
// a port scan), so it is logged at debug.
func (d *doorway) refuse(raw net.Conn, why error) {
	if not, ok := errors.AsType[tls.RecordHeaderError](why); ok && not.Conn != nil && beginsRequest(not.RecordHeader) {
		_ = raw.SetWriteDeadline(time.Now().Add(handshakeTimeout))
		_, _ = io.WriteString(raw, plainAnswer)
		why = errors.New("the client sent HTTP without TLS")
	}
	_ = raw.Close()
	d.log.Debug("TLS handshake error", "from", raw.RemoteAddr().String(), "cause", why)
}

// beginsRequest reports whether what came in place of TLS looks like HTTP.
func beginsRequest(first [5]byte) bool {
	switch string(first[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}

// tell logs why requests of a connection are refused before net/http has seen them.
func (d *doorway) tell(c net.Conn) func(error) {
	return func(why error) {
		d.log.Debug("an unclear request was refused", "from", c.RemoteAddr().String(), "cause", why)
	}
}
