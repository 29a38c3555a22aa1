package attacktest

import (
	"fmt"
	"net"
	"testing"
)

// Whoever sends or reads byte by byte is given up in time, and takes nothing from others meanwhile (CWE-400, slowloris).
func TestSlowConnections(t *testing.T) {
	run(t, []attack{{users: true, name: "slow heads, bodies and readers", send: (*assault).slow}})
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
