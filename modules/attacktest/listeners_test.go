package attacktest

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/net/http2"
)

// Strangers in the network of the modules hold nothing of a module: without a certificate they reach the enrolment of the STS
// alone, and that with little.
func TestStrangersAtTheListenersOfModules(t *testing.T) {
	t.Parallel()
	runIn(t, apart, []attack{
		{name: "frames one byte short", send: func(a *assault) string {
			return a.strangers("sts", "frames of a megabyte, one byte short", func(c net.Conn) { write(c, unfinishedFrame(aMegabyte)) })
		}},
		{name: "allowed frames one byte short", send: func(a *assault) string {
			return a.strangers("sts", "frames of 16 KiB, one byte short", func(c net.Conn) { write(c, unfinishedFrame(16<<10)) })
		}},
		{name: "heads that do not end", send: func(a *assault) string {
			return a.strangers("sts", "heads that do not end", func(c net.Conn) {
				framer := http2.NewFramer(c, c)
				framer.AllowIllegalWrites = true
				write(c, []byte(http2.ClientPreface))
				_ = framer.WriteSettings()
				_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 16<<10)})
			})
		}},
		{name: "bodies for the enrolment that do not end", send: func(a *assault) string {
			return a.strangers("sts", "bodies for the enrolment that do not end", func(c net.Conn) {
				f := newFramed(c)
				write(c, []byte(http2.ClientPreface))
				_ = f.framer.WriteSettings()
				for i := range uint32(streams) {
					_ = f.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, EndHeaders: true, BlockFragment: f.block("POST", "/rpc/sts.Enrol", [2]string{"content-type", "application/json"})})
					_ = f.framer.WriteData(2*i+1, false, make([]byte, 1<<10))
				}
			})
		}},
		{name: "idle at order", send: func(a *assault) string { return a.strangers("order", "connections that do nothing", func(net.Conn) {}) }},
		{name: "no TLS at inventory", send: func(a *assault) string {
			many(either(200, 2000), 25, func(i int) {
				if c, err := a.connectPlain("inventory", stranger(i)); err == nil {
					write(c, []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
				}
			})
			a.lasts()
			return fmt.Sprintf("%d requests without TLS", either(200, 2000))
		}},
	})
}

// strangers connect to a module, send something each, and hold their connections.
func (a *assault) strangers(module, what string, send func(net.Conn)) string {
	connections := either(200, 2000)
	many(connections, 25, func(i int) {
		if c, err := a.connect(module, stranger(i), "h2"); err == nil {
			send(c)
		}
	})
	a.lasts()
	return fmt.Sprintf("%s at %s, %d times; %d have shaken hands", what, module, connections, a.handshakes.Load())
}

// unfinishedFrame is a connection's beginning and a DATA frame of that length, one byte short.
func unfinishedFrame(length int) []byte {
	head := []byte{byte(length >> 16), byte(length >> 8), byte(length), byte(http2.FrameData), 0, 0, 0, 0, 1}
	settings := []byte{0, 0, 0, byte(http2.FrameSettings), 0, 0, 0, 0, 0}
	return append(append(append([]byte(http2.ClientPreface), settings...), head...), make([]byte, length-1)...)
}
