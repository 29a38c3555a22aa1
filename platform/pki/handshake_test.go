package pki_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/platform/pki"
)

// lines is a log that tests can read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.text.String(), "\n"), "\n")
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// meeting is what became of one connection.
type meeting struct {
	server, client         error
	serverState, connected tls.ConnectionState
	from                   string // the client's address
}

// meet makes one connection over the loopback. In TLS 1.3 a client is done before it is judged, so the server says one
// byte that the client waits for.
func meet(t testing.TB, server, client *tls.Config) meeting {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var m meeting
	done := make(chan struct{})
	go func() {
		defer close(done)
		raw, err := listener.Accept()
		if err != nil {
			m.server = err
			return
		}
		conn := tls.Server(raw, server)
		defer func() { _ = conn.Close() }()
		if m.server = conn.HandshakeContext(context.Background()); m.server == nil {
			m.serverState = conn.ConnectionState()
			_, m.server = conn.Write([]byte{1})
		}
	}()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m.from = raw.LocalAddr().String()
	conn := tls.Client(raw, client)
	if m.client = conn.HandshakeContext(context.Background()); m.client == nil {
		m.connected = conn.ConnectionState()
		_, m.client = conn.Read(make([]byte, 1))
	}
	_ = conn.Close()
	<-done
	return m
}

// both wants a connection that both sides accept.
func both(t testing.TB, m meeting) {
	t.Helper()
	if err := errors.Join(m.server, m.client); err != nil {
		t.Fatal(err)
	}
}

func TestTwoWorkloadsMeet(t *testing.T) {
	root := authority(t, domain)
	c := at(start)
	peers := peersOf(t, c, root)
	var log lines
	listener := pki.Listener{Name: "internal listener", KeyPair: member(t, root, "order"), Peers: peers, Log: log.logger()}
	m := meet(t, listener.TLS(), pki.ClientTLS(member(t, root, "gateway"), peers, "order"))
	both(t, m)
	if who, err := peers.Identify(m.serverState.PeerCertificates); who != "gateway" || err != nil {
		t.Errorf("the client is %q, %v", who, err)
	}
	if m.serverState.Version != tls.VersionTLS13 || len(m.connected.PeerCertificates) != 2 {
		t.Errorf("version %x, %d certificates", m.serverState.Version, len(m.connected.PeerCertificates))
	}
	if got := log.all(); got[0] != "" {
		t.Errorf("logged %q", got)
	}
}

func TestWorkloadsSpeakHTTP2(t *testing.T) {
	root := authority(t, domain)
	peers := peersOf(t, at(start), root)
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		TLSConfig: pki.Listener{KeyPair: member(t, root, "order"), Peers: peers, Log: slog.New(slog.DiscardHandler)}.TLS(),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, err := peers.Identify(r.TLS.PeerCertificates)
			if err != nil {
				t.Error(err)
			}
			_, _ = w.Write([]byte(who))
		}),
		ReadHeaderTimeout: time.Minute,
	}
	go func() { _ = server.ServeTLS(socket, "", "") }()
	defer func() { _ = server.Close() }()
	transport := &http.Transport{TLSClientConfig: pki.ClientTLS(member(t, root, "gateway"), peers, "order"), ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get("https://" + socket.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var who bytes.Buffer
	if _, err := who.ReadFrom(answer.Body); err != nil || who.String() != "gateway" || answer.ProtoMajor != 2 {
		t.Errorf("%s from %q, %v", answer.Proto, who.String(), err)
	}
}
