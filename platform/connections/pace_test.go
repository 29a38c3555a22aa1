package connections_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"oms/platform/connections"
)

// endless is a connection from somewhere whose other side writes all the time.
type endless struct{ fake }

func (*endless) Read(b []byte) (int, error) { return len(b), nil }

// paced is such a connection with a place, read at its pace.
func (w world) paced(from string) *connections.Conn {
	c := w.Admit(w.Context(), &endless{fake{from: from + ":1"}})
	c.Pace()
	return c
}

// in reads for a while in pieces as TLS does, and gives how much that was.
func in(c *connections.Conn, while time.Duration) (bytes int, err error) {
	piece := make([]byte, 1<<10)
	for until := time.Now().Add(while); time.Now().Before(until) && bytes < 1<<20; {
		n, err := c.Read(piece)
		if bytes += n; err != nil {
			return bytes, err
		}
	}
	return bytes, nil
}

func TestWhatIsNoRequestIsReadSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t, 10, 10).paced("a")
		if got, err := in(c, 4*time.Second); err != nil || got < 150<<10 || got > 170<<10 {
			t.Errorf("%d bytes were read in four seconds, %v", got, err)
		}
		if got, err := in(c, time.Minute); err == nil || got > 50<<10 {
			t.Errorf("whoever goes on is read for %d bytes more, %v", got, err)
		}
	})
}

func TestAPauseIsForgiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t, 10, 10).paced("a")
		for range 20 {
			if got, err := in(c, 4*time.Second); err != nil || got < 64<<10 {
				t.Fatalf("%d bytes were read, %v", got, err)
			}
			<-time.After(4 * time.Second)
		}
	})
}

func TestWhatIsAskedForIsReadAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, begun := newWorld(t, 10, 10).paced("a"), time.Now()
		for range 1000 {
			c.Earn(100)
			if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// A handler that needs the rest of a body has the connection be read on at once.
func TestWhoWaitsGoesOnWhenItIsEarned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t, 10, 10).paced("a")
		for range 96 {
			_, _ = c.Read(make([]byte, 1<<10))
		}
		done := make(chan time.Duration)
		go func() {
			begun := time.Now()
			_, _ = c.Read(make([]byte, 1<<10))
			done <- time.Since(begun)
		}()
		synctest.Wait()
		c.Earn(1)
		if took := <-done; took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestClosingEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newWorld(t, 10, 10).paced("a")
		result := make(chan error)
		go func() {
			for {
				if _, err := c.Read(make([]byte, 16<<10)); err != nil {
					result <- err
					return
				}
			}
		}()
		synctest.Wait()
		_ = c.Close()
		_ = c.Close() // as TLS and HTTP both do
		if err := <-result; !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

// Modules, and proxies that serve many clients, are read as fast as they send.
func TestWhoIsKnownIsReadAsFastAsItComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 10, 10)
		module := w.Admit(t.Context(), &endless{fake{from: "a:1"}})
		module.Proven()
		module.Pace()
		for who, c := range map[string]*connections.Conn{"module": module, "proxy": w.paced("proxy")} {
			if got, err := in(c, time.Second); err != nil || got < 1<<20 {
				t.Errorf("of a %s %d bytes were read at once, %v", who, got, err)
			}
		}
	})
}
