package httprpc

import (
	"net/http"
	"slices"
	"sync"
)

// pool has the connections of one generation to one address.
type pool struct {
	dialer  *dialer
	address string

	mu      sync.Mutex
	retired bool
	conns   []*http.ClientConn // the first that has room is used, so that those opened for a rush become idle and close
	dialing *dialing           // at most one at a time, however many calls wait for it; nil for none
}

// dialing is a connection on its way; the rest is set when done is closed.
type dialing struct {
	done chan struct{}
	conn *http.ClientConn // nil where it failed, or was not needed any more
	err  error
}

// reserve gives a connection with a place on it, or else what to wait for before asking again.
func (p *pool) reserve() (*http.ClientConn, *dialing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(conn *http.ClientConn) bool { return conn.Err() != nil })
	for _, conn := range p.conns {
		if conn.Reserve() == nil {
			return conn, nil
		}
	}
	d := p.dialing
	if d == nil {
		d = &dialing{done: make(chan struct{})}
		if p.retired { // between finding it and asking it
			close(d.done)
			return nil, d
		}
		p.dialing = d
		go p.dial(d)
	}
	return nil, d
}

func (p *pool) dial(d *dialing) {
	conn, err := p.dialer.dial(p.address)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		d.err = err
	case p.retired: // whoever waits asks again, and another pool
		_ = conn.Close()
	default:
		d.conn = conn
		p.conns = append(p.conns, conn)
	}
	p.dialing = nil
	close(d.done)
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
