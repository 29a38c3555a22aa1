package connections

import (
	"container/list"
	"net"
)

// Conn is a connection that has a place in a table until it is closed.
type Conn struct {
	net.Conn
	table *Table

	// What follows is the table's, and read and written under its lock.
	open                 bool
	proven               bool
	from                 *origin       // nil where that does not count
	place, placeOfOrigin *list.Element // among those that wait; nil while a request is under way
}

// Close implements [net.Conn].
func (c *Conn) Close() error {
	c.table.mu.Lock()
	c.table.leave(c)
	c.table.mu.Unlock()
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
	c.table.work(c)
	c.table.forget(c)
	c.proven = true
}
