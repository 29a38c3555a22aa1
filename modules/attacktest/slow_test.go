package attacktest

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/net/http2"
)

// Whoever sends or reads byte by byte is given up in time, and takes nothing from others meanwhile (CWE-400, slowloris).
func TestSlowConnections(t *testing.T) {
	length := [2]string{"content-length", "16000"}
	form := [2]string{"content-type", "application/x-www-form-urlencoded"}
	run(t, []attack{
		{users: true, name: "heads, bodies and readers", send: (*assault).slow},
		{name: "heads on HTTP/2", send: slowFrames(
			func(f *framed) error {
				return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.block("GET", "/inventory")})
			},
			func(f *framed) error { return f.framer.WriteContinuation(1, false, f.block("GET", "/inventory")[:1]) })},
		{name: "bodies on HTTP/2", sheds: true, send: slowFrames(
			func(f *framed) error {
				return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: f.block("POST", "/oauth2/sign-in", length, form)})
			},
			func(f *framed) error { return f.framer.WriteData(1, false, []byte("a")) })},
		{name: "readers on HTTP/2", sheds: true, send: slowFrames(
			func(f *framed) error {
				return f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, EndStream: true, BlockFragment: f.block("GET", "/inventory")})
			},
			func(f *framed) error { return f.framer.WriteWindowUpdate(1, 1) }, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})},
	})
}

// slow has heads, bodies and readers that go on byte by byte.
func (a *assault) slow() string {
	a.fillWithOrders("bob")
	third := either(150, 1700)
	var slow []net.Conn
	begin := func(user string, text []byte) func(int) {
		return func(i int) {
			connection, err := a.connect("gateway", stranger(i%8), "http/1.1")
			if err == nil && write(connection, text) {
				a.mu.Lock()
				slow = append(slow, connection)
				a.mu.Unlock()
			}
		}
	}
	many(third, 25, begin("", []byte("GET /inventory HTTP/1.1\r\nHost: localhost\r\nX: ")))
	many(third, 25, begin("", []byte("POST /oauth2/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 16000\r\n\r\n")))
	many(third, 25, begin("bob", a.head("bob", "GET", "/order?limit=100")))
	for range either(2, 5) {
		a.lasts()
		for _, connection := range slow[:min(len(slow), 2*third)] {
			_, _ = connection.Write([]byte("a"))
		}
	}
	return fmt.Sprintf("%d connections whose heads, bodies and readers go on byte by byte, of %d", len(slow), 3*third)
}

// slowFrames is many connections of HTTP/2, each with a frame that begins something, and then one now and then that goes on
// with it.
func slowFrames(begin, goOn func(*framed) error, settings ...http2.Setting) func(a *assault) string {
	return func(a *assault) string {
		var slow []*framed
		connections := either(150, 5000)
		many(connections, 25, func(i int) {
			f, err := a.frames("gateway", stranger(i), settings...)
			if err != nil || f.do(func() error { return begin(f) }) != nil {
				return
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			slow = append(slow, f)
		})
		for range either(2, 5) {
			a.lasts()
			for _, f := range slow {
				_ = f.do(func() error { return goOn(f) })
			}
		}
		return fmt.Sprintf("%d connections of HTTP/2 that go on a frame at a time, of %d", len(slow), connections)
	}
}
