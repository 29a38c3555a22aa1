package httprpc_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"oms/platform/fault"
	"oms/platform/httprpc"
	"oms/platform/observe/observetest"
)

// meeting makes the service wait until it is let go, and tells how many have arrived.
type meeting struct {
	arrived chan struct{}
	letGo   chan struct{}
}

func (m meeting) attend(ctx context.Context, in sample) (sample, error) {
	if in.ID != "wait" {
		return in, nil
	}
	m.arrived <- struct{}{}
	select {
	case <-m.letGo:
	case <-ctx.Done():
	}
	return in, ctx.Err()
}

func TestConnectionsAreReused(t *testing.T) {
	w := newWorld(t).start()
	conn := w.conn("gateway")
	for range 100 {
		if _, err := once.Call(t.Context(), conn, sample{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.handshakes.Load(); got != 1 {
		t.Errorf("%d handshakes for 100 calls", got)
	}
}

func TestAFloodOfCallsSharesFewConnections(t *testing.T) {
	const calls = 2000
	w := newWorld(t).start()
	conn := w.conn("gateway")
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			if got, err := once.Call(t.Context(), conn, sample{ID: fmt.Sprint(i)}); err != nil || got.ID != fmt.Sprint(i) {
				t.Errorf("%d: %v %v", i, got, err)
			}
		})
	}
	all.Wait()
	for i := range calls {
		if n := w.service.times(fmt.Sprint(i)); n != 1 {
			t.Errorf("%d was executed %d times", i, n)
		}
	}
	t.Logf("%d calls over %d connections", calls, w.handshakes.Load())
	if got := w.handshakes.Load(); got > calls/100 { // 100 is what a connection takes before it knows better
		t.Errorf("%d handshakes for %d calls", got, calls)
	}
}

func TestConnectionsAreReplacedWithoutHarmToWhatIsInFlight(t *testing.T) {
	const inFlight = 20
	w := newWorld(t)
	closed := make(chan struct{}, 9)
	w.config = func(s *http.Server) {
		s.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				closed <- struct{}{}
			}
		}
	}
	m := meeting{make(chan struct{}), make(chan struct{})}
	w.service.do = m.attend
	w.start()
	conn := w.conn("gateway")
	var all sync.WaitGroup
	for range inFlight {
		all.Go(func() {
			if _, err := once.Call(t.Context(), conn, sample{ID: "wait"}); err != nil {
				t.Error(err)
			}
		})
		<-m.arrived
	}
	for replaced := int64(1); replaced <= 3; replaced++ {
		w.generation.Add(1)
		for range 5 {
			if _, err := once.Call(t.Context(), conn, sample{}); err != nil {
				t.Error(err)
			}
		}
		if got := w.handshakes.Load(); got != 1+replaced {
			t.Errorf("%d handshakes after %d replacements", got, replaced)
		}
	}
	<-closed // the connections in between were idle
	<-closed
	close(m.letGo)
	all.Wait()
	<-closed // the first one, when its last call had finished
}

func TestReplacingConnectionsUnderLoadFailsNoCall(t *testing.T) {
	w := newWorld(t).start()
	conn := w.conn("gateway")
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 100 {
				if i%10 == worker {
					w.generation.Add(1)
				}
				id := fmt.Sprint(worker, i)
				if _, err := once.Call(t.Context(), conn, sample{ID: id}); err != nil || w.service.times(id) != 1 {
					t.Errorf("%s: %v, executed %d times", id, err, w.service.times(id))
				}
			}
		})
	}
	all.Wait()
	t.Logf("800 calls over %d connections", w.handshakes.Load())
	if w.handshakes.Load() < 10 {
		t.Errorf("%d handshakes: nothing was replaced", w.handshakes.Load())
	}
}

func TestANewGenerationHasTheNewCertificate(t *testing.T) {
	w := newWorld(t).start()
	workload := "gateway"
	transport := httprpc.NewTransport(httprpc.TransportOptions{Generation: w.generation.Load, TLS: func() *tls.Config { return w.authority.client(t, workload) }})
	defer transport.Close()
	conn := w.connTo("gateway", w.server.URL, transport)
	call := func() fault.Code {
		_, err := once.Call(t.Context(), conn, sample{})
		return fault.CodeOf(err)
	}
	first := call()
	workload = "removed"
	second := call()
	w.generation.Add(1)
	if third := call(); first != "" || second != "" || third != fault.Unavailable {
		t.Errorf("%q, %q and with the new certificate %q", first, second, third)
	}
}

func TestACloseDoesNotEndWhatIsInFlight(t *testing.T) {
	w := newWorld(t)
	m := meeting{make(chan struct{}), make(chan struct{})}
	w.service.do = m.attend
	w.start()
	transport := w.transport("gateway")
	conn := w.connTo("gateway", w.server.URL, transport)
	done := make(chan error)
	go func() { _, err := once.Call(t.Context(), conn, sample{ID: "wait"}); done <- err }()
	<-m.arrived
	transport.Close()
	close(m.letGo)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAModuleThatCannotBeReachedSaysWhy(t *testing.T) {
	w := newWorld(t).start()
	nobody := w.serve(nil)
	nobody.Close()
	plain := &http.Server{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = plain.Serve(listener) }()
	defer plain.Close()
	old := httptest.NewUnstartedServer(nil)
	old.TLS = w.authority.server(t, "lab")
	old.StartTLS()
	defer old.Close()
	stranger := newAuthority(t)
	mixed := w.authority.client(t, "gateway")
	mixed.RootCAs = stranger.roots
	foreign := w.authority.client(t, "gateway")
	foreign.Certificates = []tls.Certificate{stranger.issue(t, "gateway")}
	for name, c := range map[string]struct {
		url    string
		config *tls.Config
		reason string
	}{
		"nobody listens":         {nobody.URL, w.authority.client(t, "gateway"), "connection refused"},
		"another's certificate":  {w.server.URL, mixed, "its certificate is not accepted"},
		"our certificate":        {w.server.URL, foreign, "it does not accept our certificate"},
		"no HTTP/2":              {old.URL, w.authority.client(t, "gateway"), "it does not speak HTTP/2"},
		"no such name":           {"https://nowhere.invalid:1", w.authority.client(t, "gateway"), "its name is not known"},
		"not TLS":                {"https://" + listener.Addr().String(), w.authority.client(t, "gateway"), "connection lost"},
		"without its own scheme": {"http://" + listener.Addr().String(), w.authority.client(t, "gateway"), "connection lost"},
	} {
		t.Run(name, func(t *testing.T) {
			log := &observetest.Log{}
			w.log = log
			transport := httprpc.NewTransport(httprpc.TransportOptions{TLS: func() *tls.Config { return c.config }, Generation: w.generation.Load})
			defer transport.Close()
			conn := w.connTo("gateway", c.url, transport)
			for range 3 {
				_, err := once.Call(t.Context(), conn, sample{ID: name})
				const want = "The lab module cannot be reached."
				if failure := fault.From(err); failure.Code != fault.Unavailable || failure.Detail != want || failure.RetryAfter == 0 {
					t.Errorf("%v, want %q", err, want)
				}
			}
			if logged := log.Lines("level=WARN"); len(logged) != 1 || !strings.Contains(logged[0], "cannot be reached: "+c.reason) {
				t.Errorf("logged %q", logged)
			}
			if w.service.times(name) != 0 {
				t.Error("executed")
			}
		})
	}
}

func TestAnOutageIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	w := newWorld(t).start()
	transport := &switched{inner: w.transport("gateway")}
	conn := w.connTo("gateway", w.server.URL, transport)
	for range 2 {
		for _, away := range []bool{true, false} {
			transport.away = away
			for range 3 {
				if _, err := once.Call(t.Context(), conn, sample{}); (err != nil) != away {
					t.Errorf("away %v: %v", away, err)
				}
			}
		}
	}
	if lost, found := w.log.Lines("calls to a module fail"), w.log.Lines("calls to a module succeed again"); len(lost) != 2 || len(found) != 2 {
		t.Errorf("lost %q, found %q", lost, found)
	}
}

// switched fails while the callee is away.
type switched struct {
	inner http.RoundTripper
	away  bool
}

func (s *switched) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.away {
		return nil, &net.OpError{Op: "dial", Err: fmt.Errorf("no route")}
	}
	return s.inner.RoundTrip(r)
}
