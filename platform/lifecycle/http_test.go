package lifecycle_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"oms/platform/lifecycle"
	"oms/platform/pki"
)

// process is a running process of parts.
type process struct {
	stop  context.CancelFunc
	ended chan error
}

// run runs parts until the test stops them, or ends.
func run(t testing.TB, stopWithin time.Duration, parts ...lifecycle.Part) *process {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &process{stop: stop, ended: make(chan error, 1)}
	go func() {
		defer close(p.ended)
		p.ended <- lifecycle.Run(ctx, quiet, stopWithin, parts...)
	}()
	t.Cleanup(func() {
		stop()
		for range p.ended {
		}
	})
	return p
}

// server is a server on a free port, and the channel that tells its address.
func server(handler http.Handler) (lifecycle.HTTPServer, <-chan net.Addr) {
	address := make(chan net.Addr, 1)
	return lifecycle.HTTPServer{
		Name: "public listener", Address: "127.0.0.1:0", Handler: handler, Log: quiet,
		Listening: func(a net.Addr) { address <- a },
	}, address
}

// client is an HTTP client that leaves nothing behind.
func client(t *testing.T, config *tls.Config) *http.Client {
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func TestAcceptedRequestsAreFinished(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if err := r.Context().Err(); err != nil {
			t.Errorf("the request was ended: %v", err)
		}
		_, _ = io.WriteString(w, "done")
	}))
	stopping := make(chan struct{})
	part := s.Part()
	stop := part.Stop
	part.Stop = func(ctx context.Context) error { close(stopping); return stop(ctx) }
	p := run(t, time.Minute, part)
	url := "http://" + (<-address).String()

	answer := make(chan string, 1)
	go func() {
		response, err := client(t, nil).Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- body(t, response)
	}()
	<-entered
	p.stop()
	<-stopping
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("the accepted request got %s", got)
	}
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
	if _, err := client(t, nil).Get(url); err == nil {
		t.Error("a stopped server accepts requests")
	}
}

func TestRequestsThatDoNotFinishAreCutOff(t *testing.T) {
	entered := make(chan struct{})
	s, address := server(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	}))
	p := run(t, time.Millisecond, s.Part())
	failed := make(chan error, 1)
	url := "http://" + (<-address).String()
	go func() {
		_, err := client(t, nil).Get(url)
		failed <- err
	}()
	<-entered
	p.stop()
	want := "public listener did not stop in good order: requests were still running when the time to stop was up, and were cut off"
	if err := <-p.ended; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	if err := <-failed; err == nil {
		t.Error("the request was answered")
	}
}

func TestAnAddressThatCannotBeListenedOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for address, want := range map[string]string{
		taken.Addr().String(): "address already in use; stop the process that uses it, or write another port: server.address",
		"192.0.2.1:9090":      "this machine does not have that address; write one that it has: server.address",
		"localhost":           "missing port in address",
		"localhost:99999":     "invalid port",
	} {
		s, _ := server(nil)
		s.Address, s.Setting = address, "server.address"
		err := lifecycle.Run(t.Context(), quiet, time.Minute, s.Part())
		prefix := "public listener did not start: cannot listen on " + address + ": "
		if err == nil || !strings.HasPrefix(err.Error(), prefix) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s%s", err, prefix, want)
		}
	}
}

func TestTheListenerIsFreeAfterAnotherPartFailed(t *testing.T) {
	s, address := server(nil)
	failing := lifecycle.Part{Name: "relay", Start: func(context.Context) error { return io.ErrUnexpectedEOF }}
	if err := lifecycle.Run(t.Context(), quiet, time.Minute, s.Part(), failing); err == nil {
		t.Error("there is no error")
	}
	again, err := net.Listen("tcp", (<-address).String())
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

// certificate is one for 127.0.0.1, and the root to trust.
func certificate(t testing.TB) (pki.CertificateSource, *x509.CertPool) {
	t.Helper()
	root, err := pki.NewPublicAuthority("orders.local", []string{"127.0.0.1"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	own, err := pki.OpenKeyPair(filepath.Join(t.TempDir(), "public.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := own.Renew(t.Context(), "", func(_ context.Context, request []byte) ([][]byte, error) {
		leaf, err := root.IssueServer(request, []string{"127.0.0.1"}, time.Now(), time.Hour)
		if err != nil {
			return nil, err
		}
		return [][]byte{leaf.Raw, root.Certificate().Raw}, nil
	}); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.Certificate())
	return own.GetCertificate, roots
}

func TestTheTLSListener(t *testing.T) {
	source, roots := certificate(t)
	log := &levels{seen: make(chan slog.Record, 10)}
	s, address := server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	s.Log = slog.New(log)
	s.TLS = &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS10}
	p := run(t, time.Minute, s.Part())
	at := (<-address).String()
	if first := <-log.seen; first.Message != "listening" {
		t.Errorf("logged %s", first.Message)
	}

	response, err := client(t, &tls.Config{RootCAs: roots}).Get("https://" + at)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, response); got != "HTTP/2.0" || response.TLS.Version != tls.VersionTLS13 {
		t.Errorf("it speaks %s over %s", got, tls.VersionName(response.TLS.Version))
	}
	for version, accepted := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", at, &tls.Config{RootCAs: roots, MinVersion: version, MaxVersion: version})
		if (err == nil) != accepted {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
			continue
		}
		if refused := <-log.seen; refused.Level != slog.LevelDebug || !strings.Contains(refused.Message, "TLS handshake error") {
			t.Errorf("logged %s: %s", refused.Level, refused.Message)
		}
	}
	p.stop()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
}

// Browsers open connections in advance. One that was never used must not hold up a stop until its time is up.
func TestAnUnusedConnectionDoesNotHoldUpAStop(t *testing.T) {
	source, roots := certificate(t)
	s, address := server(http.NotFoundHandler())
	s.TLS = &tls.Config{GetCertificate: source, MinVersion: tls.VersionTLS12}
	p := run(t, 4*time.Second, s.Part()) // net/http gives up on such a connection after 5 to 10 seconds
	connection, err := tls.Dial("tcp", (<-address).String(), &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	p.stop()
	if err := <-p.ended; err != nil {
		t.Errorf("stopped with: %v", err)
	}
}

func TestAPanicIsLoggedAsAnError(t *testing.T) {
	log := &levels{seen: make(chan slog.Record, 10)}
	s, address := server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a defect") }))
	s.Log = slog.New(log)
	p := run(t, time.Minute, s.Part())
	if _, err := client(t, nil).Get("http://" + (<-address).String()); err == nil {
		t.Error("it was answered")
	}
	<-log.seen // listening
	if got := <-log.seen; got.Level != slog.LevelError || !strings.Contains(got.Message, "a defect") {
		t.Errorf("logged %s: %s", got.Level, got.Message)
	}
	p.stop()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
}

func TestAHeadThatIsTooLargeIsRefused(t *testing.T) {
	s, address := server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	p := run(t, time.Minute, s.Part())
	url := "http://" + (<-address).String()
	for size, want := range map[int]int{60 << 10: http.StatusOK, 80 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Cookie", string(bytes.Repeat([]byte("a"), size)))
		response, err := client(t, nil).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _ = body(t, response); response.StatusCode != want {
			t.Errorf("a head of %d bytes got %d, want %d", size, response.StatusCode, want)
		}
	}
	p.stop()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
}

// levels is a log that a test can wait for.
type levels struct {
	seen chan slog.Record
}

func (l *levels) Enabled(context.Context, slog.Level) bool { return true }
func (l *levels) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *levels) WithGroup(string) slog.Handler            { return l }
func (l *levels) Handle(_ context.Context, r slog.Record) error {
	l.seen <- r
	return nil
}
