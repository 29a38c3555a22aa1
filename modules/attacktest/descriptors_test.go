package attacktest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// few is how many descriptors a process has where they are scarce.
const few = 256

// Where descriptors are scarce, strangers take none that the admin listener, the databases and the modules need (CWE-770).
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	attacks := []attack{
		{name: "idle connections", send: func(a *assault) string {
			return a.idle(400, func(int) { _, _ = a.connect("gateway", attackersAddress, "http/1.1") })
		}},
		{name: "idle connections from many addresses", send: func(a *assault) string {
			return a.idle(400, func(i int) { _, _ = a.connect("gateway", stranger(i), "h2") })
		}},
		{name: "connections that never shake hands", send: func(a *assault) string {
			return a.idle(1000, func(i int) { _, _ = a.connectPlain("gateway", stranger(i)) })
		}},
		{name: "idle connections to the admin listener", send: func(a *assault) string {
			return a.idle(400, func(int) { _, _ = a.connectAdmin() })
		}},
	}
	for _, in := range []shape{together, apart} {
		in.ulimit = few
		runIn(t, in, attacks)
	}
}

// connectAdmin opens a connection to the first process's admin listener.
func (a *assault) connectAdmin() (net.Conn, error) {
	connection, err := net.DialTimeout("tcp", strings.TrimPrefix(a.processes[0].admin, "http://"), patience)
	if err != nil {
		return nil, fmt.Errorf("the admin listener: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.until(func() { _ = connection.Close() })
	return connection, nil
}
