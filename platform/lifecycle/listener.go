package lifecycle

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"oms/platform/connections"
	"oms/platform/framing"
	"oms/platform/limits"
)

// doorway is a listener whose connections are ready for requests: the handshake is done, and what speaks HTTP/1 is guarded
// ([framing.Conn]). net/http would do the handshake itself, but leaves no room above it; a *tls.Conn, which it takes for
// HTTP/2, is handed on only where the client has chosen that.
type doorway struct {
	net.Listener
	tls   *tls.Config        // nil is plain
	table *connections.Table // nil is without bounds
	turns *limits.Turns      // of handshakes
	log   *slog.Logger
	url   string // see [HTTPServer.URL]

	ready  chan net.Conn
	failed chan error
	closed chan struct{}
	close  sync.Once
	err    error // of close
}

func newDoorway(l net.Listener, config *tls.Config, table *connections.Table, log *slog.Logger) *doorway {
	return &doorway{
		Listener: l, tls: config, table: table, turns: limits.NewTurns(handshakes(), 1, 0), log: log,
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
			c = d.admit(ctx, c)
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
func (d *doorway) admit(ctx context.Context, c net.Conn) net.Conn {
	if d.table == nil {
		return c
	}
	if admitted := d.table.Admit(ctx, c); admitted != nil {
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

// placeKey is that of a connection's place in the context of its requests.
type placeKey struct{}

// withPlace has requests know the place of their connection: HTTP/2 is active for net/http before it has asked for anything.
func withPlace(ctx context.Context, c net.Conn) context.Context {
	if place := placed(c); place != nil {
		return context.WithValue(ctx, placeKey{}, place)
	}
	return ctx
}

// hand gives a connection to net/http.
func (d *doorway) hand(c net.Conn) {
	select {
	case d.ready <- c:
	case <-d.closed:
		_ = c.Close()
	}
}

// tell logs why requests of a connection are refused before net/http has seen them.
func (d *doorway) tell(c net.Conn) func(error) {
	return func(why error) {
		d.log.Debug("an unclear request was refused", "from", c.RemoteAddr().String(), "cause", why)
	}
}
