package connections

import "container/list"

// waiters are connections without a request under way, those that have waited longest first: the ones that have been served
// apart from the ones that have not.
type waiters struct{ fresh, served list.List }

func (w *waiters) of(c *Conn) *list.List {
	if c.served {
		return &w.served
	}
	return &w.fresh
}

func (w *waiters) add(c *Conn) *list.Element             { return w.of(c).PushBack(c) }
func (w *waiters) remove(c *Conn, element *list.Element) { w.of(c).Remove(element) }

// next is the connection that makes room: of those that have never asked for anything, whoever has waited longest, so that a
// flood of them takes nothing from clients that are being served. Those have half of all places at least; what they have
// beyond it makes room first, so that who comes new is not kept out by idle ones either. nil is that none waits.
func (w *waiters) next(open int) *Conn {
	from := &w.fresh
	if from.Len() == 0 || w.served.Len() > open/2 {
		from = &w.served
	}
	if from.Len() == 0 {
		return nil
	}
	return from.Front().Value.(*Conn)
}
