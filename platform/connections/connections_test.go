package connections_test

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"oms/platform/connections"
)

// fake is a connection from somewhere that knows whether it was closed.
type fake struct {
	net.Conn
	from   string
	closed bool
}

func (f *fake) RemoteAddr() net.Addr { return address(f.from) }
func (f *fake) Close() error         { f.closed = true; return nil }

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// byHost counts what is before the colon; a proxy does not count.
func byHost(a net.Addr) string {
	host, _, _ := strings.Cut(a.String(), ":")
	if host == "proxy" {
		return ""
	}
	return host
}

// world is a table and all that came to it.
type world struct {
	*testing.T
	*connections.Table
}

func newWorld(t *testing.T, all, perAddress int) world {
	return world{t, connections.New(connections.Bounds{All: all, Strangers: all, PerAddress: perAddress, Address: byHost})}
}

// admit takes connections from an address in.
func (w world) admit(from string, n int) (raw []*fake, admitted []*connections.Conn) {
	for i := range n {
		f := &fake{from: from + ":" + strconv.Itoa(i)}
		raw, admitted = append(raw, f), append(admitted, w.Admit(w.Context(), f))
	}
	return raw, admitted
}

// serve has each answer one request.
func (w world) serve(conns ...*connections.Conn) {
	for _, c := range conns {
		c.Working()
		c.Queue()()
		c.Waiting()
	}
}

func (w world) expect(what string, open, evicted, refused int) {
	w.Helper()
	if got, want := w.Counts(), (connections.Counts{Open: open, Evicted: evicted, Refused: refused}); got != want {
		w.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func closed(raw []*fake) (which []int) {
	for i, f := range raw {
		if f.closed {
			which = append(which, i)
		}
	}
	return which
}

func (w world) expectClosed(raw []*fake, want ...int) {
	w.Helper()
	if got := closed(raw); !slices.Equal(got, want) {
		w.Errorf("closed %v, want %v", got, want)
	}
}

func TestWhoHasWaitedLongestMakesRoom(t *testing.T) {
	w := newWorld(t, 4, 100)
	raw, conns := w.admit("a", 4)
	conns[0].Working()
	conns[1].Working()
	conns[1].Waiting() // since now
	w.admit("b", 2)
	w.expectClosed(raw, 2, 3)
	w.expect("after two more", 4, 2, 0)
	w.admit("b", 1)
	w.expectClosed(raw, 1, 2, 3)
}

func TestWhereAllWorkTheNewOneIsRefused(t *testing.T) {
	w := newWorld(t, 3, 100)
	raw, conns := w.admit("a", 3)
	for _, c := range conns {
		c.Working()
		c.Working()
	}
	late, none := w.admit("b", 1)
	w.expectClosed(raw)
	w.expectClosed(late, 0)
	if none[0] != nil {
		t.Error("it was let in")
	}
	w.expect("one too many", 3, 0, 1)
	if err := conns[0].Close(); err != nil {
		t.Error(err)
	}
	if _, again := w.admit("b", 1); again[0] == nil {
		t.Error("a free place is not given")
	}
}

func TestAnAddressMakesRoomForItselfAlone(t *testing.T) {
	w := newWorld(t, 100, 3)
	others, _ := w.admit("b", 3)
	raw, conns := w.admit("a", 3)
	conns[0].Working()
	w.admit("a", 1)
	w.expectClosed(raw, 1)
	w.expectClosed(others)
	for _, c := range conns {
		c.Working()
	}
	w.expect("one of a is closed", 6, 1, 0)
	proxied, _ := w.admit("proxy", 20)
	w.expectClosed(proxied)
	w.expect("and twenty of a proxy", 26, 1, 0)
}

func TestAClosedConnectionLeavesNothing(t *testing.T) {
	w := newWorld(t, 2, 2)
	for range 100 {
		_, conns := w.admit("a", 2)
		for i, c := range conns {
			if i == 0 {
				c.Working()
			}
			_ = c.Close()
			_ = c.Close()
			c.Waiting() // as a server says it that has not noticed yet
			c.Working()
		}
	}
	w.expect("all are closed", 0, 0, 0)
}

func TestAProvenConnectionIsNotClosedForStrangers(t *testing.T) {
	w := newWorld(t, 10, 2)
	known, conns := w.admit("a", 2)
	conns[0].Proven()
	conns[0].Waiting()
	strangers, _ := w.admit("a", 3)
	w.expectClosed(known, 1)
	w.expectClosed(strangers, 0)
	_ = conns[0].Close()
	w.expect("strangers are left", 2, 2, 0)
}

func TestAnEvictedConnectionOfTheSameAddress(t *testing.T) {
	w := newWorld(t, 10, 1)
	for range 5 {
		w.admit("a", 1)
	}
	w.expect("one is left", 1, 4, 0)
}

func TestDescriptorsAreKnown(t *testing.T) {
	if n, err := connections.Descriptors(); err != nil || n < 1 {
		t.Errorf("%d, %v", n, err)
	}
}

// A flood of connections that ask for nothing takes nothing from clients that are being served.
func TestWhoHasBeenServedStays(t *testing.T) {
	w := newWorld(t, 10, 100)
	known, conns := w.admit("a", 5)
	w.serve(conns...)
	w.admit("b", 1000)
	w.expectClosed(known)
	conns[0].Working()
	conns[0].Waiting() // since now
	w.admit("b", 1000)
	w.expectClosed(known)
	w.expect("a flood", 10, 1995, 0)
}

// Nor do idle clients that were served once keep out who comes new.
func TestIdleClientsLeaveHalfOfThePlaces(t *testing.T) {
	w := newWorld(t, 10, 100)
	known, conns := w.admit("a", 10)
	w.serve(conns...)
	w.expectClosed(known)
	fresh, _ := w.admit("b", 5)
	w.expectClosed(known, 0, 1, 2, 3, 4)
	w.expectClosed(fresh)
	w.admit("c", 1)
	w.expectClosed(known, 0, 1, 2, 3, 4)
	w.expectClosed(fresh, 0)
}

func TestAnAddressKeepsTheOneThatIsServed(t *testing.T) {
	w := newWorld(t, 100, 4)
	known, conns := w.admit("a", 2)
	w.serve(conns...)
	w.admit("a", 50)
	w.expectClosed(known)
	w.expect("fifty more of the same address", 4, 48, 0)
}

// Nobody is closed before a request can have come: who comes next waits for that, but not for its own address's.
func TestEverybodyHasTheTimeToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{t, connections.New(connections.Bounds{All: 2, Strangers: 2, PerAddress: 1, Address: byHost, Grace: time.Second})}
		begun := time.Now()
		first, _ := w.admit("a", 1)
		<-time.After(300 * time.Millisecond)
		w.admit("b", 1)
		own, _ := w.admit("b", 1)
		if took := time.Since(begun); took != 300*time.Millisecond {
			t.Errorf("an address waits for itself: %v", took)
		}
		w.admit("c", 1)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("a third address is let in after %v, want when the first has had its second", took)
		}
		w.expectClosed(first, 0)
		w.admit("d", 1)
		if took := time.Since(begun); took != 1300*time.Millisecond {
			t.Errorf("a fourth is let in after %v", took)
		}
		w.expectClosed(own, 0)
		w.expect("all have had their time", 2, 3, 0)
		ctx, cancel := context.WithTimeout(w.Context(), 100*time.Millisecond)
		defer cancel()
		late := &fake{from: "e:0"}
		if w.Admit(ctx, late) != nil || !late.closed {
			t.Error("one is let in after the end")
		}
	})
}

// Strangers at a module's listener have a part of it alone.
func TestStrangersLeaveRoomForTheProven(t *testing.T) {
	w := world{t, connections.New(connections.Bounds{All: 10, Strangers: 3, PerAddress: 10, Address: byHost})}
	for range 7 {
		w.admit("a", 2)
		_, conns := w.admit("module", 1)
		conns[0].Proven()
		conns[0].Proven()
	}
	w.expect("seven modules and two strangers", 9, 12, 0)
	late, none := w.admit("module", 1)
	w.expectClosed(late)
	none[0].Proven()
	more, _ := w.admit("b", 5)
	w.expectClosed(more, 0, 1, 2)
	_ = none[0].Close()
	w.expect("eight modules, two strangers, and one module less", 9, 17, 0)
}
