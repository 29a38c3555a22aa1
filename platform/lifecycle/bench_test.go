package lifecycle_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// BenchmarkGuard is what the guard and the handshake in front of net/http cost: the time of requests of HTTP/1.1 over one
// kept connection each to a server with them and to one of net/http alone, in turns. The ratio is of the first to the
// second; the handler does nothing.
func BenchmarkGuard(b *testing.B) {
	source, roots := certificate(b)
	config := &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS12}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

	guarded, address := server(handler)
	guarded.TLS = config
	run(b, time.Minute, guarded.Part())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	bare := &http.Server{Handler: handler, TLSConfig: config, ReadHeaderTimeout: time.Minute}
	go func() { _ = bare.ServeTLS(listener, "", "") }()
	b.Cleanup(func() { _ = bare.Close() })

	with, without := newAsker(b, (<-address).String(), roots), newAsker(b, listener.Addr().String(), roots)
	var took [2]time.Duration
	for b.Loop() {
		for i, ask := range []func(){with, without} {
			const inTurn = 50 // requests: few enough that both see the same machine
			start := time.Now()
			for range inTurn {
				ask()
			}
			took[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(took[0])/float64(took[1]), "ratio")
	b.ReportMetric(0, "ns/op")
}

// newAsker opens a connection and gives what sends a request over it and reads the answer.
func newAsker(b *testing.B, at string, roots *x509.CertPool) func() {
	b.Helper()
	conn, err := tls.Dial("tcp", at, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", NextProtos: []string{"http/1.1"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	reader := bufio.NewReader(conn)
	request := "POST /order HTTP/1.1\r\nHost: localhost:9090\r\nUser-Agent: curl/8\r\nAccept: */*\r\nAuthorization: Bearer " +
		strings.Repeat("x", 700) + "\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n" + strings.Repeat("y", 90)
	return func() {
		if _, err := io.WriteString(conn, request); err != nil {
			b.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusNoContent {
			b.Fatal(response, err)
		}
	}
}
