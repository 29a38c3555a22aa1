package connections

import (
	"errors"
	"net"
	"sync"
	"time"
)

// What a stranger's connection may send that is no request and no body that anybody reads: pings, settings, empty frames,
// heads in many parts. Reading them costs processors, and those who send them nothing.
const (
	// aside is how much of it at once: more than the largest head.
	aside = 96 << 10
	// asidePerSecond is how much in the long run.
	asidePerSecond = 16 << 10
	// mostEarned bounds what requests add: what a connection holds of bodies that no handler has read yet.
	mostEarned = 128 << 10
	// enough is what has to be left for a connection that goes on so.
	enough = 4 << 10
	// behindFor is how long a connection may go on to send more than that.
	behindFor = 5 * time.Second
	// step is in what steps it is waited.
	step = 50 * time.Millisecond
)

// errTooMuch ends a connection.
var errTooMuch = errors.New("the client sends much, and asks for little")

// pace is how fast a connection is read. The zero value is as fast as it comes.
type pace struct {
	mu     sync.Mutex
	on     bool
	left   int64 // bytes that can be read now; below 0 where the last read was larger
	at     time.Time
	behind time.Time // since when there has been little left; zero if there is enough

	earned chan struct{}
}

// Pace has what comes besides requests be read slowly from now on, unless the other side is proven or counts for nobody.
func (c *Conn) Pace() {
	if c.Address() != "" {
		c.pace.begin()
	}
}

// Earn has so many more bytes be read at once: those of a body that are used, or what a request usually entails.
func (c *Conn) Earn(bytes int64) { c.pace.earn(bytes) }

func (p *pace) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on, p.left, p.at = true, aside, time.Now()
	p.earned = make(chan struct{}, 1)
}

func (p *pace) earn(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return
	}
	p.left = min(p.left+bytes, mostEarned)
	select {
	case p.earned <- struct{}{}:
	default: // whoever waits finds it
	}
}

func (p *pace) spend(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		p.left -= bytes
	}
}

// wait waits until something can be read, or ended is closed.
func (p *pace) wait(ended <-chan struct{}) error {
	for {
		if can, err := p.can(); can || err != nil {
			return err
		}
		select {
		case <-time.After(step):
		case <-p.earned:
		case <-ended:
			return net.ErrClosed
		}
	}
}

// can reports whether something can be read now.
func (p *pace) can() (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return true, nil
	}
	now := time.Now()
	p.refill(now)
	switch {
	case p.left > enough:
		p.behind = time.Time{}
	case p.behind.IsZero():
		p.behind = now
	case now.Sub(p.behind) > behindFor:
		return false, errTooMuch
	}
	return p.left > 0, nil
}

// refill adds what the time since the last call brings; the pace is locked.
func (p *pace) refill(now time.Time) {
	if p.left >= aside {
		p.at = now
		return
	}
	more := int64(now.Sub(p.at).Seconds() * asidePerSecond)
	p.at = p.at.Add(time.Duration(more) * time.Second / asidePerSecond) // and the rest of it the next time
	p.left = min(aside, p.left+more)
}
