package systemtest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/sts"
	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/database/sqlite"
	"oms/platform/lifecycle"
	"oms/platform/rpc"
	"oms/platform/rpc/rpctest"
	"oms/platform/secret"
)

// edge is the whole system behind its real listener: what a stranger can reach, and its databases to look into.
type edge struct {
	testing.TB
	config  system.Config
	address string // of the public listener
	roots   *x509.CertPool
	client  *http.Client // HTTP/2
	old     *http.Client // HTTP/1.1
	log     *journal
}

// openEdge serves the system on a data directory of its own until the test ends.
func openEdge(t testing.TB, change ...func(*system.Config)) *edge {
	t.Helper()
	return openEdgeOn(t, seededCopy(t), change...)
}

// seededCopy is a data directory of the test's own, as a first start leaves it.
func seededCopy(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(seeded())); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"public.pem", "feed.json"} { // modes, which CopyFS does not keep
		if err := os.Chmod(filepath.Join(dir, "pki", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func openEdgeOn(t testing.TB, dir string, change ...func(*system.Config)) *edge {
	t.Helper()
	e := &edge{TB: t, config: testConfig(dir), log: &journal{}}
	for _, f := range change {
		f(&e.config)
	}
	address, stop, err := serveSystem(e.config, e.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.client.CloseIdleConnections()
		e.old.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	root, err := os.ReadFile(system.RootCertificate(e.config))
	if err != nil {
		t.Fatal(err)
	}
	e.address, e.roots = address, x509.NewCertPool()
	if !e.roots.AppendCertsFromPEM(root) {
		t.Fatal("the root certificate is not PEM")
	}
	e.client, e.old = e.newClient(true), e.newClient(false)
	return e
}

func testConfig(dir string) system.Config {
	c := system.Defaults(modules.All)
	c.DataDir, c.Server.Address, c.Server.AdminAddress, c.Log.Level = dir, "127.0.0.1:0", "127.0.0.1:0", "debug"
	return c
}

// seeded is a data directory that a first start has left behind: hashing the demo passwords once is enough for all.
var seeded = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "seeded")
	if err != nil {
		panic(err)
	}
	_, stop, err := serveSystem(testConfig(dir), &journal{})
	if err == nil {
		err = stop()
	}
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(seeded())
	os.Exit(code)
}

// serveSystem runs the system as the command does, and tells where it listens.
func serveSystem(c system.Config, to *journal) (address string, stop func() error, err error) {
	log := slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	system, err := system.Open(ctx, c, system.Options{}, log)
	if err != nil {
		cancel()
		return "", nil, err
	}
	parts, err := system.Parts(func(name string, at net.Addr) {
		if name == "public" {
			address = at.String()
		}
	})
	if err != nil {
		cancel()
		return "", nil, err
	}
	ready, ended := make(chan struct{}), make(chan error, 1)
	parts = append(parts, lifecycle.Part{Name: "ready", Start: func(context.Context) error { close(ready); return nil }})
	go func() { ended <- lifecycle.Run(ctx, log, 10*time.Second, parts...) }()
	stop = func() error { cancel(); return <-ended }
	select {
	case <-ready:
		return address, stop, nil
	case err := <-ended:
		cancel()
		return "", nil, fmt.Errorf("the system did not start: %w", err)
	}
}

// newClient trusts the system's root, goes to its listener whatever the URL says, and follows no redirect.
func (e *edge) newClient(http2 bool) *http.Client {
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: e.roots, ServerName: "localhost"},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", e.address)
		},
		Protocols:          new(http.Protocols),
		DisableCompression: true,
	}
	transport.Protocols.SetHTTP1(!http2)
	transport.Protocols.SetHTTP2(http2)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// store opens a module's database beside the running system.
func (e *edge) store(module string) *sqlite.DB {
	e.Helper()
	db, err := sqlite.OpenBeside(context.Background(), system.DatabaseOptions(e.config, module, slog.New(slog.DiscardHandler)))
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { _ = db.Close() })
	return db
}

// operators do what they do at the command line.
func (e *edge) operators() rpc.Conn {
	e.Helper()
	operators, err := stshost.Administer(stshost.OperatorOptions{
		Store: e.store("sts"), Observer: rpctest.Observe(e, sts.OperatorOperations.Operations()), Now: time.Now, Demo: e.config.Demo.Enabled, Domain: e.config.Trust.Domain,
	})
	if err != nil {
		e.Fatal(err)
	}
	return operators
}

// disable locks a user out, or lets it in again.
func (e *edge) disable(user string, disabled bool) {
	e.Helper()
	if _, err := sts.SetUserDisabled.Call(e.Context(), e.operators(), sts.SetUserDisabledRequest{User: user, Disabled: disabled}); err != nil {
		e.Fatal(err)
	}
}

// rotateRoot publishes a next root.
func (e *edge) rotateRoot(announcement, overlap time.Duration) {
	e.Helper()
	if _, err := sts.RotateRoot.Call(e.Context(), e.operators(), sts.RotateRequest{Announcement: announcement, Overlap: overlap}); err != nil {
		e.Fatal(err)
	}
}

// removeWorkload takes a workload's certificates away.
func (e *edge) removeWorkload(workload string) {
	e.Helper()
	if _, err := sts.RemoveWorkload.Call(e.Context(), e.operators(), sts.WorkloadRequest{Workload: workload}); err != nil {
		e.Fatal(err)
	}
}

// joinToken lets a workload in.
func (e *edge) joinToken(workload string) secret.Text {
	e.Helper()
	join, err := sts.CreateJoinToken.Call(e.Context(), e.operators(), sts.WorkloadRequest{Workload: workload})
	if err != nil {
		e.Fatal(err)
	}
	return join.Token
}

// journal keeps the log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
