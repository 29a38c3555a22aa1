package lifecycle_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/platform/connections"
	"oms/platform/limits"
)

// ofAddresses is a table with room for everybody, where an address is an address.
func ofAddresses() *connections.Table {
	return connections.New(connections.Bounds{
		All: 1000, Strangers: 1000, PerAddress: 1000, Address: func(a net.Addr) string { return limits.AddressKey(a.String()) },
	})
}

// silent is a client's connection on which nothing arrives, and at most so many bytes leave.
type silent struct {
	net.Conn
	left int
}

func (s *silent) Write(b []byte) (int, error) {
	n := min(len(b), s.left)
	s.left -= n
	_, err := s.Conn.Write(b[:n])
	return len(b), err
}

func (*silent) Read([]byte) (int, error) { return 0, io.EOF }

// Whoever stops in the middle of a handshake takes nobody's turn.
func TestHandshakesThatStopHoldNobodyUp(t *testing.T) {
	source, roots := certificate(t)
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	s.TLS, s.Connections = &tls.Config{GetCertificate: source}, ofAddresses()
	run(t, time.Minute, s.Part())
	at := (<-address).String()
	var stopped []net.Conn
	for i := range 40 {
		raw, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = raw.Close() })
		hello := []int{3, 100, 1 << 20}[i%3] // a part of a record's head, of the hello, or all of it
		if err := tls.Client(&silent{raw, hello}, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}).Handshake(); err == nil {
			t.Fatal("a handshake without answers")
		}
		stopped = append(stopped, raw)
	}
	response, err := client(t, &tls.Config{RootCAs: roots}).Get("https://" + at)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	for _, raw := range stopped {
		_ = raw.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := io.Copy(io.Discard, raw); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the server has waited for a handshake until it was given up: %v", err)
		}
	}
}

// Bodies that a handler reads are no part of what is read slowly.
func TestLargeBodiesAreReadAsTheyCome(t *testing.T) {
	source, roots := certificate(t)
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n != 1<<20 || err != nil {
			t.Errorf("%d bytes came, %v", n, err)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	s.TLS, s.Connections = &tls.Config{GetCertificate: source}, ofAddresses()
	run(t, time.Minute, s.Part())
	at, sender := (<-address).String(), client(t, &tls.Config{RootCAs: roots})
	var sending sync.WaitGroup
	for range 30 { // which would take half an hour, and is given up after five seconds
		sending.Go(func() {
			response, err := sender.Post("https://"+at, "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			if response.ProtoMajor != 2 || response.StatusCode != http.StatusNoContent {
				t.Errorf("%s %d", response.Proto, response.StatusCode)
			}
		})
	}
	sending.Wait()
}
