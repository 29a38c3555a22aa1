// Package connections bounds how many connections a listener has, in all and from one address, so that nobody's idle ones
// take the descriptors and the memory that others need.
//
// When a bound is reached, whoever comes next takes the place of the connection that has waited longest without a request;
// where all have a request under way, it is closed at once. What a connection costs in time, its handler or its server
// bounds; this package has no clock.
package connections

import (
	"container/list"
	"net"
	"sync"
)

// Bounds are how many connections there may be at once.
type Bounds struct {
	All        int
	PerAddress int // from one address, as Address has it

	// Address is what counts as one address, as [Host] has it; "" is one that counts in All alone.
	Address func(net.Addr) string
}

// Table is the connections of one listener. It is safe for concurrent use.
type Table struct {
	bounds Bounds

	mu      sync.Mutex
	waiting list.List // of *Conn without a request, those that have waited longest first
	from    map[string]*origin
	counts  Counts
}

// Counts are what a table tells of itself.
type Counts struct {
	Open    int // now
	Evicted int // closed so far, in favour of others
	Refused int // so far, for want of one that could be closed
}

// origin is the connections from one address; those without a request are in waiting too.
type origin struct {
	address string
	open    int
	waiting list.List
}

// New makes a table without connections.
func New(b Bounds) *Table { return &Table{bounds: b, from: map[string]*origin{}} }

// Counts are the current ones.
func (t *Table) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// Admit takes a new connection in, which waits for a request then. It may close another one for it; where it cannot, it
// closes the new one and returns nil.
func (t *Table) Admit(c net.Conn) *Conn {
	admitted := &Conn{Conn: c, table: t}
	evicted, refused := t.enter(admitted)
	if evicted != nil {
		_ = evicted.Conn.Close()
	}
	if refused {
		_ = c.Close()
		return nil
	}
	return admitted
}

// enter gives a connection its place, and takes another one's for it where it must.
func (t *Table) enter(c *Conn) (evicted *Conn, refused bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := t.origin(c.RemoteAddr())
	switch {
	case from != nil && from.open >= t.bounds.PerAddress:
		evicted, refused = longest(&from.waiting)
	case t.counts.Open >= t.bounds.All:
		evicted, refused = longest(&t.waiting)
	}
	if refused {
		t.counts.Refused++
		return nil, true
	}
	if evicted != nil {
		t.counts.Evicted++
		t.leave(evicted)
	}
	t.counts.Open++
	c.open = true
	if from != nil {
		t.from[from.address] = from // which leave may have taken away
		from.open++
		c.from = from
	}
	t.wait(c)
	return evicted, false
}

// longest is the connection that has waited longest, and whether there is none.
func longest(waiting *list.List) (*Conn, bool) {
	front := waiting.Front()
	if front == nil {
		return nil, true
	}
	return front.Value.(*Conn), false
}

// origin is where a connection is from; nil where that does not count. One that is new is not in the table yet.
func (t *Table) origin(a net.Addr) *origin {
	address := t.bounds.Address(a)
	if address == "" {
		return nil
	}
	if from := t.from[address]; from != nil {
		return from
	}
	return &origin{address: address}
}

// wait and work move a connection in and out of those that can be closed. The table is locked.
func (t *Table) wait(c *Conn) {
	if !c.open || c.proven || c.place != nil {
		return
	}
	c.place = t.waiting.PushBack(c)
	if c.from != nil {
		c.placeOfOrigin = c.from.waiting.PushBack(c)
	}
}

func (t *Table) work(c *Conn) {
	if c.place == nil {
		return
	}
	t.waiting.Remove(c.place)
	if c.from != nil {
		c.from.waiting.Remove(c.placeOfOrigin)
	}
	c.place, c.placeOfOrigin = nil, nil
}

// leave gives up a connection's place; the table is locked.
func (t *Table) leave(c *Conn) {
	if !c.open {
		return
	}
	t.work(c)
	t.forget(c)
	c.open = false
	t.counts.Open--
}

// forget has a connection count in all connections alone; the table is locked.
func (t *Table) forget(c *Conn) {
	if c.from == nil {
		return
	}
	if c.from.open--; c.from.open == 0 {
		delete(t.from, c.from.address)
	}
	c.from = nil
}
