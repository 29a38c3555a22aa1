package httprpc_test

import (
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// relay is a network between a caller and the lab that can lose connections.
type relay struct {
	url      string
	listener net.Listener
	target   string
	budget   func() (up, down int64) // after how many bytes each way a new connection is cut; nil for never
	cuts     atomic.Int64

	mu    sync.Mutex
	conns []*frozen
}

// frozen is a connection that can stop to forward without being closed.
type frozen struct {
	net.Conn
	stopped atomic.Bool
}

func (f *frozen) Write(p []byte) (int, error) {
	if f.stopped.Load() {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

// relay starts a relay to the lab; budget may be nil.
func (w *world) relay(budget func() (up, down int64)) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	r := &relay{budget: budget, url: "https://" + listener.Addr().String(), listener: listener, target: strings.TrimPrefix(w.server.URL, "https://")}
	w.t.Cleanup(func() { _ = listener.Close() })
	go r.run()
	return r
}

func (r *relay) run() {
	for {
		accepted, err := r.listener.Accept()
		if err != nil {
			return
		}
		dialled, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = accepted.Close()
			continue
		}
		caller, callee := &frozen{Conn: accepted}, &frozen{Conn: dialled}
		r.mu.Lock()
		r.conns = append(r.conns, caller, callee)
		r.mu.Unlock()
		up, down := int64(1)<<60, int64(1)<<60
		if r.budget != nil {
			up, down = r.budget()
		}
		var once sync.Once
		cut := func() {
			once.Do(func() {
				r.cuts.Add(1)
				for _, conn := range []net.Conn{accepted, dialled} {
					if rand.N(2) == 0 {
						_ = conn.(*net.TCPConn).SetLinger(0) // a reset instead of an end
					}
					_ = conn.Close()
				}
			})
		}
		go func() { _, _ = io.CopyN(callee, caller, up); cut() }()
		go func() { _, _ = io.CopyN(caller, callee, down); cut() }()
	}
}

// freeze lets nothing more through on the connections that are open now.
func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		conn.stopped.Store(true)
	}
}
