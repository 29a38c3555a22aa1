package connections

import "sync"

// How many requests wait for their turn before more are read: those of one address, as many as a connection of HTTP/2 has and
// some more, and those of a listener. Each takes some 10 KiB before anything counts it; what is not read waits at its sender.
const (
	perAddress = 128
	perTable   = 4096
)

// gate holds connections up as long as too many requests wait.
type gate struct {
	most int

	mu      sync.Mutex
	inside  int             // requests
	waiting []chan struct{} // connections
}

// begin counts a request.
func (g *gate) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside++
}

// end lets one connection go on for each request that waits no more, and all of them while there is much room: some have nothing to say.
func (g *gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside >= g.most {
		return
	}
	n := min(1, len(g.waiting))
	if g.inside <= g.most/2 {
		n = len(g.waiting)
	}
	for _, one := range g.waiting[:n] {
		close(one)
	}
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
}

// wait waits until there is room, or ended is closed. Whoever has waited may go on, even if others came first: it is bounded by
// the number of connections.
func (g *gate) wait(ended <-chan struct{}) {
	g.mu.Lock()
	if g.inside < g.most {
		g.mu.Unlock()
		return
	}
	come := make(chan struct{})
	g.waiting = append(g.waiting, come)
	g.mu.Unlock()
	select {
	case <-come:
	case <-ended:
	}
}
