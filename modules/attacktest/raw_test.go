package attacktest

import (
	"bytes"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// patience is how long an attacker waits for a connection, or for one to take what is written.
const patience = 3 * time.Second

// connect opens a TLS connection to a module from an address, with the protocol, and keeps it until the attack ends.
func (a *assault) connect(module, from, protocol string) (net.Conn, error) {
	raw, err := a.connectPlain(module, from)
	if err != nil {
		return nil, err
	}
	return a.shake(raw, protocol)
}

// shake makes a TLS connection of one that is open. Where that fails, it stays open: what the server does with it is the
// server's business.
func (a *assault) shake(raw net.Conn, protocol string) (net.Conn, error) {
	connection := tls.Client(raw, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true, NextProtos: []string{protocol}})
	_ = connection.SetDeadline(time.Now().Add(patience))
	if err := connection.Handshake(); err != nil {
		return nil, err
	}
	_ = connection.SetDeadline(time.Time{})
	a.handshakes.Add(1)
	return connection, nil
}

// connectPlain opens a TCP connection.
func (a *assault) connectPlain(module, from string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	connection, err := dialer.Dial("tcp", a.loopback(module))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.until(func() { _ = connection.Close() })
	return connection, nil
}

// write writes text and reports whether the server has taken it.
func write(connection net.Conn, text []byte) bool {
	_ = connection.SetWriteDeadline(time.Now().Add(patience))
	_, err := connection.Write(text)
	return err == nil
}

// framed is an HTTP/2 connection, frame by frame. Frames of the server are read, counted and otherwise ignored.
type framed struct {
	net.Conn
	mu     sync.Mutex // of what is written
	framer *http2.Framer
	head   bytes.Buffer
	hpack  *hpack.Encoder

	seen   sync.Mutex
	counts map[string]int
	gone   chan struct{} // closed when the server has ended the connection
}

// frames opens an HTTP/2 connection with these settings.
func (a *assault) frames(module, from string, settings ...http2.Setting) (*framed, error) {
	connection, err := a.connect(module, from, "h2")
	if err != nil {
		return nil, err
	}
	f := newFramed(connection)
	if !write(connection, []byte(http2.ClientPreface)) || f.do(func() error { return f.framer.WriteSettings(settings...) }) != nil {
		return nil, net.ErrClosed
	}
	go f.read()
	return f, nil
}

// newFramed is a connection on which nothing has been written yet.
func newFramed(connection net.Conn) *framed {
	f := &framed{Conn: connection, framer: http2.NewFramer(connection, connection), counts: map[string]int{}, gone: make(chan struct{})}
	f.framer.AllowIllegalWrites = true
	f.hpack = hpack.NewEncoder(&f.head)
	return f
}

// do writes a frame.
func (f *framed) do(frame func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.SetWriteDeadline(time.Now().Add(patience))
	return frame()
}

func (f *framed) read() {
	defer close(f.gone)
	for {
		frame, err := f.framer.ReadFrame()
		if err != nil {
			return
		}
		f.seen.Lock()
		f.counts[frame.Header().Type.String()]++
		f.seen.Unlock()
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				_ = f.do(f.framer.WriteSettingsAck)
			}
		case *http2.PingFrame:
			if !frame.IsAck() {
				_ = f.do(func() error { return f.framer.WritePing(true, frame.Data) })
			}
		}
	}
}

// block is a head in HPACK. The framer's lock is held.
func (f *framed) block(method, path string, headers ...[2]string) []byte {
	f.head.Reset()
	for _, field := range append([][2]string{{":method", method}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}}, headers...) {
		_ = f.hpack.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}) // into memory
	}
	return f.head.Bytes()
}
