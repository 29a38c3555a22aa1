package attacktest

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// More valid requests than can be served: those that are refused are told when to come back, nobody is answered wrongly, and
// it is over when they are (CWE-400).
func TestOverload(t *testing.T) {
	t.Parallel()
	attacks := []attack{
		overload("reads of a product", "bob", "GET", at("/inventory/electronics/SOWH1000XM4"), nothing),
		overload("lists", "bob", "GET", at("/order?limit=100"), nothing),
		overload("orders", "bob", "POST", at("/order"), func(int) string {
			return fmt.Sprintf(`{"id":"over-%d","name":"Over","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`, overOrders.Add(1))
		}),
		overload("of strangers", "", "GET", at("/inventory"), nothing),
	}
	unlimited := "server:\n  limits:\n    rates:\n      enabled: false\n"
	runIn(t, shape{"rates on, one process", oneProcess, "", 0}, attacks[:either(1, len(attacks))])
	runIn(t, shape{"rates off, one process", oneProcess, unlimited, 0}, attacks)
	runIn(t, shape{"rates on, several processes", split, "", 0}, attacks[:either(0, len(attacks))])
	runIn(t, shape{"rates off, several processes", split, unlimited, 0}, attacks[:either(1, len(attacks))])
}

// overOrders counts the orders of all runs.
var overOrders atomic.Int64

// atOnce is how many requests a process serves at once by default: server.limits.requests.
const atOnce = 512

// overload is an attack of ten times as many requests at once as can be served, each of which is followed by another one as
// soon as it is answered.
func overload(name, user, method string, path, body func(i int) string) attack {
	return attack{name: name, users: true, sheds: true, disk: 64 << 20, send: func(a *assault) string {
		a.fillWithOrders("bob")
		clients := make([]*http.Client, either(10, 10*atOnce/streams+1))
		for i := range clients {
			clients[i] = a.client(stranger(i), true)
			defer clients[i].CloseIdleConnections()
		}
		var all statuses
		var served atomic.Int64
		once := func(i int) {
			status, text := a.send(clients[i%len(clients)], user, method, path(i), body(i))
			switch all.add(status); {
			case status == http.StatusOK, status == http.StatusCreated:
				served.Add(1)
			case status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests:
				a.t.Errorf("%d %.200s", status, text)
			}
		}
		begun := time.Now()
		many(either(200, 5000), 8, once) // which is what it can serve
		usual := float64(served.Swap(0)) / time.Since(begun).Seconds()
		usually := all.counts
		all.counts = nil
		begun = time.Now()
		times := either(2000, 50_000)
		many(times, len(clients)*streams, once)
		took := time.Since(begun).Seconds()
		if served.Load() == 0 {
			a.t.Error("nothing was served")
		}
		return fmt.Sprintf("%d times %s %.40s, %d at once: %v, %.0f a second of which %.0f were served; before, 8 at once: %v, %.0f a second were served",
			times, method, path(0), len(clients)*streams, all.counts, float64(times)/took, float64(served.Load())/took, usually, usual)
	}}
}
