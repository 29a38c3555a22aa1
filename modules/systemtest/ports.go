package systemtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

const (
	// firstPort is below the ports that systems hand out for outgoing connections, so that a process that is started again
	// finds its own.
	firstPort = 20000
	// portRange is how many ports there are, without those for admin listeners.
	portRange = 5000
	// adminOffset is how far above its first listener the admin listener of a process is.
	adminOffset = 100
)

// Ports gives out blocks of ports. Safe for concurrent use, also beside other processes that give out blocks.
type Ports struct {
	size int // of a block, with the port that holds it
	last atomic.Int64
}

// NewPorts gives out blocks of so many ports, most likely away from those of tests that run beside these ones.
func NewPorts(size int) *Ports {
	p := &Ports{size: size + 1}
	p.last.Store(rand.Int64N(portRange))
	return p
}

// Block gives the first port of a block whose ports are free together with the admin ports, 100 above. Nobody else is
// given it until it is released: the port behind it is held, also while processes restart.
func (p *Ports) Block() (first int, release func(), err error) {
	perHundred := adminOffset / p.size
	for range 100 {
		block := int(p.last.Add(1)) % (portRange / adminOffset * perHundred)
		first := firstPort + block/perHundred*2*adminOffset + block%perHundred*p.size // every other hundred is for admin ports
		holder, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", first+p.size-1))
		if err != nil {
			continue
		}
		release := func() { _ = holder.Close() }
		if allFree(first, p.size-1) {
			return first, release, nil
		}
		release()
	}
	return 0, nil, errors.New("no free block of ports")
}

// allFree reports whether nobody listens on a block's ports and their admin ports.
func allFree(first, count int) bool {
	for port := first; port < first+count; port++ {
		for _, port := range []int{port, port + adminOffset} {
			listener, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
			if err != nil {
				return false
			}
			_ = listener.Close()
		}
	}
	return true
}
