package attacktest

import (
	"fmt"
	"testing"
)

// Connections that do nothing cost little, are bounded in number, and never take what the admin listener, the databases and
// the others need.
func TestIdleConnections(t *testing.T) {
	run(t, []attack{
		{name: "idle after the handshake", send: func(a *assault) string {
			return a.idle(either(300, 3000), func(i int) { _, _ = a.connect("gateway", attackersAddress, "http/1.1") })
		}},
		{name: "idle with HTTP/2", send: func(a *assault) string {
			return a.idle(either(300, 3000), func(i int) { _, _ = a.frames("gateway", attackersAddress) })
		}},
		{name: "idle before the handshake", send: func(a *assault) string {
			return a.idle(either(1000, 3000), func(i int) { _, _ = a.connectPlain("gateway", attackersAddress) })
		}},
		{name: "idle in the middle of the handshake", send: func(a *assault) string {
			return a.idle(either(600, 3000), func(int) {
				if connection, err := a.connectPlain("gateway", attackersAddress); err == nil {
					write(connection, []byte{0x16, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb}) // a ClientHello of 16 KiB that does not come
				}
			})
		}},
		{name: "idle from many addresses", send: func(a *assault) string {
			return a.idle(either(300, 3000), func(i int) { _, _ = a.connect("gateway", stranger(i), "http/1.1") })
		}},
	})
}

// stranger is one of many addresses.
func stranger(i int) string { return fmt.Sprintf("127.%d.%d.%d", 1+i>>14&0x3f, 1+i>>7&0x7f, 1+i&0x7f) }

// idle opens connections and holds them.
func (a *assault) idle(connections int, open func(i int)) string {
	many(connections, 25, open)
	a.lasts()
	return fmt.Sprintf("%d idle connections, %d were opened, %d have shaken hands", connections, len(a.undo), a.handshakes.Load())
}
