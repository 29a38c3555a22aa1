package httprpc_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"oms/platform/rpc"
	"oms/platform/trust/direct"
)

// BenchmarkCall compares a call over the wire with a bare POST of the same bytes over the same TLS and HTTP/2, and with a
// call within the process; the ratios are in one run, so that the machine does not matter.
func BenchmarkCall(b *testing.B) {
	w := newWorld(b).start()
	in := sample{ID: "1", Text: "an order of some size, with a name and a few words more than that"}
	remote, local := w.conn("gateway"), direct.Conn(w.host, "gateway")
	call := func(conn rpc.Conn) func(*testing.B) {
		return func(b *testing.B) {
			if _, err := once.Call(b.Context(), conn, in); err != nil {
				b.Fatal(err)
			}
		}
	}
	bare := func() func(*testing.B) {
		server := w.serve(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) { _, _ = io.Copy(to, r.Body) }))
		protocols := new(http.Protocols)
		protocols.SetHTTP2(true)
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: w.authority.client(b, "gateway"), Protocols: protocols}}
		body := []byte(`{"id":"1","text":"an order of some size, with a name and a few words more than that"}`)
		return func(b *testing.B) {
			answer, err := client.Post(server.URL, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	}()
	for _, parallel := range []bool{false, true} {
		name := map[bool]string{false: "one at a time", true: "many at a time"}[parallel]
		b.Run(name, func(b *testing.B) {
			var each [3]time.Duration
			for i, f := range []func(*testing.B){call(remote), bare, call(local)} {
				each[i] = measure(b, f, parallel)
			}
			b.ReportMetric(float64(each[0].Nanoseconds()), "call-ns")
			b.ReportMetric(float64(each[1].Nanoseconds()), "bare-ns")
			b.ReportMetric(float64(each[2].Nanoseconds()), "local-ns")
			b.ReportMetric(float64(each[0])/float64(each[1]), "call/bare")
			b.ReportMetric(0, "ns/op") // of all three together says nothing
		})
	}
}

// measure is the time that one f takes, on average over b.N.
func measure(b *testing.B, f func(*testing.B), parallel bool) time.Duration {
	f(b) // opens the connection
	started := time.Now()
	if parallel {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				f(b)
			}
		})
	} else {
		for range b.N {
			f(b)
		}
	}
	return time.Since(started) / time.Duration(b.N)
}
