package connections

import (
	"container/list"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is a connection that has a place in a table until it is closed.
type Conn struct {
	net.Conn
	table *Table
	ended chan struct{} // closed with it
	end   sync.Once
	asked atomic.Bool
	known atomic.Bool // proven, for whom the table is not locked
	pace  pace
	gates atomic.Pointer[origin] // where its requests are counted; nil for those that count for nobody

	// What follows is the table's, and read and written under its lock.
	open                 bool
	proven               bool
	from                 *origin       // nil where that does not count
	place, placeOfOrigin *list.Element // among those that wait; nil while a request is under way
	since                time.Time     // when it began to wait
	served               bool          // whether it had asked for something then
}

// Close implements [net.Conn].
func (c *Conn) Close() error {
	c.table.mu.Lock()
	c.table.leave(c)
	c.table.mu.Unlock()
	c.end.Do(func() { close(c.ended) })
	return c.Conn.Close()
}

// CloseWrite ends what is sent.
func (c *Conn) CloseWrite() error {
	if half, can := c.Conn.(interface{ CloseWrite() error }); can {
		return half.CloseWrite()
	}
	return nil
}

// Working says that a request is under way: the connection is not closed for others meanwhile.
func (c *Conn) Working() {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	c.table.work(c)
}

// Queue says that a request has come, which waits for its turn; leave, which is called once, that it waits no more. As long as
// many of an address, or of a listener, are waiting, no more of them are read.
func (c *Conn) Queue() (leave func()) {
	c.asked.Store(true)
	from := c.gates.Load()
	if from == nil {
		return func() {}
	}
	from.requests.begin()
	c.table.requests.begin()
	return func() {
		from.requests.end()
		c.table.requests.end()
	}
}

// Read implements [net.Conn].
func (c *Conn) Read(b []byte) (int, error) {
	if from := c.gates.Load(); from != nil {
		from.requests.wait(c.ended)
		c.table.requests.wait(c.ended)
	}
	if err := c.pace.wait(c.ended); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.pace.spend(int64(n))
	return n, err
}

// Waiting says that no request is under way.
func (c *Conn) Waiting() {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	c.table.wait(c)
}

// Proven says that the other side is known, as a module is by its certificate: it does not count for its address, which
// strangers may share, and is not closed for others.
func (c *Conn) Proven() {
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	if c.proven {
		return
	}
	c.table.work(c)
	c.table.forget(c)
	c.proven = true
	c.known.Store(true)
	if c.open {
		c.table.proven++
	}
}

// Known says that the other side is proven.
func (c *Conn) Known() bool { return c.known.Load() }

// Address is what the connection counts for; "" is nobody in particular.
func (c *Conn) Address() string {
	if from := c.gates.Load(); from != nil {
		return from.address
	}
	return ""
}

// graceLeft is how long it is not closed for others; the table is locked.
func (c *Conn) graceLeft(grace time.Duration) time.Duration {
	if c == nil || grace <= 0 {
		return 0
	}
	return grace - time.Since(c.since)
}
