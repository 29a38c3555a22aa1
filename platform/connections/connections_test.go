package connections_test

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

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
	return world{t, connections.New(connections.Bounds{All: all, PerAddress: perAddress, Address: byHost})}
}

// admit takes connections from an address in.
func (w world) admit(from string, n int) (raw []*fake, admitted []*connections.Conn) {
	for i := range n {
		f := &fake{from: from + ":" + strconv.Itoa(i)}
		raw, admitted = append(raw, f), append(admitted, w.Admit(f))
	}
	return raw, admitted
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

func TestOneHostIsOneAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234":              "192.0.2.7",
		"[::ffff:192.0.2.7]:1234":     "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1234": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:99":   "2001:db8:1:2::/64",
		"[2001:db8:1:3::1]:99":        "2001:db8:1:3::/64",
		"[fe80::1%eth0]:99":           "fe80::/64",
		"@":                           "",
	} {
		if got := connections.Host(address(remote)); got != want {
			t.Errorf("%s counts as %s, want %s", remote, got, want)
		}
	}
}
