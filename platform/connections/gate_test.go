package connections_test

import (
	"testing"
	"testing/synctest"

	"oms/platform/connections"
)

// reading has connections be read, and gives of how many something was read so far.
func reading(conns ...*connections.Conn) (read func() int) {
	done := make(chan struct{}, len(conns))
	for _, c := range conns {
		go func() {
			_, _ = c.Read(make([]byte, 1))
			done <- struct{}{}
		}()
	}
	return func() int {
		synctest.Wait()
		return len(done)
	}
}

// talking are connections whose other side always says something.
func (w world) talking(from string, n int) (conns []*connections.Conn) {
	for range n {
		conns = append(conns, w.Admit(w.Context(), &endless{fake{from: from + ":1"}}))
	}
	return conns
}

func TestWhatManyRequestsOfAnAddressWaitForIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100, 100)
		busy, other := w.talking("a", 10), w.talking("b", 1)
		var leave []func()
		for range 128 {
			leave = append(leave, busy[0].Queue())
		}
		held := reading(busy...)
		if got := held(); got != 0 {
			t.Errorf("%d connections of an address are read while 128 of its requests wait", got)
		}
		if got := reading(other...)(); got != 1 {
			t.Error("another address is not read")
		}
		leave[0]()
		if got := held(); got != 1 {
			t.Errorf("when one of them has gone on, %d connections are read", got)
		}
		for _, one := range leave[1:] {
			one()
		}
		if got := held(); got != len(busy) {
			t.Errorf("when all of them have gone on, %d connections are read", got)
		}
	})
}

func TestRequestsOfManyAddressesAreBoundedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 100, 100)
		var leave []func()
		for i := range 64 {
			c := w.talking(string(rune('A'+i)), 1)[0]
			for range 64 {
				leave = append(leave, c.Queue())
			}
		}
		held := reading(w.talking("z", 1)...)
		if got := held(); got != 0 {
			t.Error("a connection is read while 4096 requests wait")
		}
		leave[0]()
		if got := held(); got != 1 {
			t.Error("when one of them has gone on, it is not read")
		}
	})
}

func TestAConnectionThatIsHeldUpCanBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t, 10, 10).talking("a", 1)[0]
		for range 128 {
			c.Queue()
		}
		held := reading(c)
		if got := held(); got != 0 {
			t.Error("it is read")
		}
		_ = c.Close()
		if got := held(); got != 1 {
			t.Error("it goes on to wait when it is closed")
		}
	})
}
