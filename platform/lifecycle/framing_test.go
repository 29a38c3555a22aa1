package lifecycle_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// counted is a server that counts what it executes, and reads no body of its own accord.
func counted(t *testing.T, config *tls.Config) (at string, executed *atomic.Int64) {
	executed = new(atomic.Int64)
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		executed.Add(1)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.Path)
	}))
	s.TLS = config
	run(t, time.Minute, s.Part())
	return (<-address).String(), executed
}

// statuses sends a text and gives the statuses of what comes back until the server closes.
func statuses(t *testing.T, conn net.Conn, text string) (all []int) {
	t.Helper()
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Error(err)
	}
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return all
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Error(err)
		}
		all = append(all, response.StatusCode)
	}
}

// RFC 9112 sections 2.2, 5.1, 5.2, 6.1, 6.3, 9.3 and 11.2, with TLS and without.
func TestAHiddenRequestIsNotExecuted(t *testing.T) {
	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		executed      int64
	}{
		{"nothing is hidden", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, 2},
		{"an old client", "GET / HTTP/1.0\r\n\r\n", 200, 1},
		{"an old client that keeps the connection", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, 1},
		{"an old client with a body", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", 200, 1},
		{"an old client with chunks", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 0},
		{"an old client with chunks and a length", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, 0},
		{"chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, 1},
		{"chunks, about the server as a whole", "OPTIONS * HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, 1},
		{"chunks and a length", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, 0},
		{"equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, 0},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400, 0},
		{"bare LF behind the last line", "GET / HTTP/1.1\r\nHost: a\n\n", 400, 0},
		{"a folded line", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400, 0},
		{"a space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, 0},
		{"a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, roots := certificate(t)
			for _, config := range []*tls.Config{nil, {GetCertificate: source, MinVersion: tls.VersionTLS12}} {
				at, executed := counted(t, config)
				conn, err := net.Dial("tcp", at)
				if err != nil {
					t.Fatal(err)
				}
				if config != nil {
					conn = tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
				}
				got := statuses(t, conn, c.request+hidden)
				if len(got) == 0 || got[0] != c.status || executed.Load() != c.executed {
					t.Errorf("encrypted %t: answers %v, executed %d", config != nil, got, executed.Load())
				}
			}
		})
	}
}

// A clear request before an unclear one is answered, although the server knows of the other one while it works.
func TestARequestBeforeAnUnclearOneIsAnswered(t *testing.T) {
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil { // from here on net/http looks whether the client is still there
			t.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
		if err := http.NewResponseController(w).Flush(); err != nil || r.Context().Err() != nil {
			t.Errorf("the request was ended: %v, %v", err, r.Context().Err())
		}
	}))
	run(t, time.Minute, s.Part())
	at := (<-address).String()
	const clear = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
	for unclear, want := range map[string][]int{
		"GET / HTTP/1.1\nHost: a\r\n\r\n": {202, 400},
		"\nGET / HTTP/1.1\r\n\r\n":        {202}, // nothing of it that could be answered
	} {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := statuses(t, conn, clear+unclear); !slices.Equal(got, want) {
			t.Errorf("%q: answers %v", unclear, got)
		}
	}
}

// Handlers see the connection's state, with either protocol.
func TestHandlersSeeTheTLSState(t *testing.T) {
	source, roots := certificate(t)
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || !r.TLS.HandshakeComplete {
			http.Error(w, "no TLS", http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, r.Proto+" "+r.TLS.NegotiatedProtocol+" "+r.TLS.ServerName)
	}))
	s.TLS = &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS12}
	run(t, time.Minute, s.Part())
	url := "https://" + (<-address).String()
	for protocol, want := range map[string]string{"h2": "HTTP/2.0 h2 ", "http/1.1": "HTTP/1.1 http/1.1 ", "": "HTTP/1.1  "} {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, NextProtos: []string{protocol}}}
		if protocol == "" {
			dialer.Config.NextProtos = nil
		}
		transport := &http.Transport{DialTLSContext: dialer.DialContext, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP2(protocol == "h2")
		transport.Protocols.SetHTTP1(protocol != "h2")
		t.Cleanup(transport.CloseIdleConnections)
		response, err := (&http.Client{Transport: transport}).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := body(t, response); got != want {
			t.Errorf("with %q: %s", protocol, got)
		}
	}
}

func TestPlainHTTPAtATLSListenerIsToldSo(t *testing.T) {
	source, _ := certificate(t)
	log := &levels{seen: make(chan slog.Record, 10)}
	s, address := server(http.NotFoundHandler())
	s.TLS, s.Log = &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS12}, slog.New(log)
	run(t, time.Minute, s.Part())
	response, err := client(t, nil).Get("http://" + (<-address).String())
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, response); response.StatusCode != http.StatusBadRequest || !strings.Contains(got, "https://") {
		t.Errorf("%d: %s", response.StatusCode, got)
	}
}

// A handshake that is under way does not hold up a stop.
func TestAnUnfinishedHandshakeDoesNotHoldUpAStop(t *testing.T) {
	source, _ := certificate(t)
	s, address := server(http.NotFoundHandler())
	s.TLS = &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS12}
	p := run(t, 4*time.Second, s.Part())
	conn, err := net.Dial("tcp", (<-address).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	p.stop()
	if err := <-p.ended; err != nil {
		t.Errorf("stopped with: %v", err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection is left: %v", err)
	}
}
