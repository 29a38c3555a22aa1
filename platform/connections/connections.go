// Package connections bounds how many connections a listener has, in all and from one address, so that nobody's idle ones
// take the descriptors and the memory that others need.
//
// When a bound is reached, whoever comes next takes the place of a connection that waits for a request, see
// [waiters.next]; where all have a request under way, it is closed at once. What a connection costs in time, its handler or
// its server bounds.
package connections

import (
	"context"
	"net"
	"sync"
	"time"
)

// Bounds are how many connections there may be at once.
type Bounds struct {
	All        int
	Strangers  int // that are not proven ([Conn.Proven])
	PerAddress int // of strangers from one address, as Address has it

	// Address is what counts as one address, as [Host] has it; "" is one that counts in All and Strangers alone.
	Address func(net.Addr) string

	// Grace is how long a connection has for its first or next request before it is closed for one of another address.
	// Meanwhile whoever comes next is not accepted; the system keeps it in its queue.
	Grace time.Duration
}

// Table is the connections of one listener. It is safe for concurrent use.
type Table struct {
	bounds   Bounds
	requests gate

	mu      sync.Mutex
	waiting waiters
	from    map[string]*origin
	proven  int // of those that are open
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
	address  string
	open     int
	waiting  waiters
	requests gate
}

// New makes a table without connections.
func New(b Bounds) *Table {
	return &Table{bounds: b, requests: gate{most: perTable}, from: map[string]*origin{}}
}

// Counts are the current ones.
func (t *Table) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// Admit takes a new connection in, which waits for a request then. It may close another one for it, and waits for that one's
// grace to end; where it cannot, or ctx ends, it closes the new one and returns nil.
func (t *Table) Admit(ctx context.Context, c net.Conn) *Conn {
	admitted := &Conn{Conn: c, table: t, ended: make(chan struct{})}
	turn := t.enter(admitted)
	for ; turn.in > 0; turn = t.enter(admitted) {
		select {
		case <-time.After(turn.in):
		case <-ctx.Done():
			_ = c.Close()
			return nil
		}
	}
	if turn.refused {
		_ = c.Close()
		return nil
	}
	if turn.evicted != nil {
		_ = turn.evicted.Close()
	}
	return admitted
}

// turn is what becomes of a new connection.
type turn struct {
	in      time.Duration // until it can be asked for again, where it has to wait
	refused bool
	evicted *Conn // that was closed for it
}

// enter gives a connection its place, and takes another one's for it where it must.
func (t *Table) enter(c *Conn) (is turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := t.origin(c.RemoteAddr())
	switch {
	case from != nil && from.open >= t.bounds.PerAddress: // it is no other's business
		is.evicted = from.waiting.next(from.open)
		is.refused = is.evicted == nil
	case t.counts.Open >= t.bounds.All || t.counts.Open-t.proven >= t.bounds.Strangers:
		is.evicted = t.waiting.next(t.counts.Open - t.proven)
		is.refused = is.evicted == nil
		if is.in = is.evicted.graceLeft(t.bounds.Grace); is.in > 0 {
			return is
		}
	}
	if is.refused {
		t.counts.Refused++
		return is
	}
	if is.evicted != nil {
		t.counts.Evicted++
		t.leave(is.evicted)
	}
	t.counts.Open++
	c.open = true
	if from != nil {
		t.from[from.address] = from // which leave may have taken away
		from.open++
		c.from = from
		c.gates.Store(from)
	}
	t.wait(c)
	return is
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
	return &origin{address: address, requests: gate{most: perAddress}}
}

// wait and work move a connection in and out of those that can be closed. The table is locked.
func (t *Table) wait(c *Conn) {
	if !c.open || c.proven || c.place != nil {
		return
	}
	c.since, c.served = time.Now(), c.asked.Load()
	c.place = t.waiting.add(c)
	if c.from != nil {
		c.placeOfOrigin = c.from.waiting.add(c)
	}
}

func (t *Table) work(c *Conn) {
	if c.place == nil {
		return
	}
	t.waiting.remove(c, c.place)
	if c.from != nil {
		c.from.waiting.remove(c, c.placeOfOrigin)
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
	if c.proven {
		t.proven--
	}
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
	c.gates.Store(nil)
}
