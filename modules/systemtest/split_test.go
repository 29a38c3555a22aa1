package systemtest_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/system"
	"oms/platform/database"
	"oms/platform/module"
	"oms/platform/pki"
)

// split is the whole system, each module in a process of its own: what a captured workload and the network between them
// can do. The embedded edge is the gateway's process.
type split struct {
	*edge
	logs  map[string]*journal // by module
	stops map[string]func() error
	ports map[string]int
}

// parts are the modules, in the order in which they are started: who is called by others comes first.
var parts = startOrder()

func startOrder() (names []string) {
	for _, m := range module.MostCalledFirst(modules.All) {
		names = append(names, m.Name)
	}
	return names
}

// openSplit serves every module by itself, on one data directory, until the test ends.
func openSplit(t testing.TB, change ...func(*system.Config)) *split {
	t.Helper()
	s := &split{edge: &edge{TB: t, config: testConfig(seededCopy(t))}, logs: map[string]*journal{}, stops: map[string]func() error{}, ports: map[string]int{}}
	for _, module := range parts {
		s.ports[module] = freePort(t)
	}
	t.Cleanup(func() {
		for i := range parts {
			s.stop(parts[len(parts)-1-i])
		}
	})
	s.config = s.configOf("gateway", change...)
	for _, module := range parts {
		s.start(module, change...)
	}
	s.log, s.address = s.logs["gateway"], s.at("gateway")
	s.trustRoots()
	return s
}

// trustRoots has clients of the public door trust the roots that there are now.
func (s *split) trustRoots() {
	s.Helper()
	root, err := os.ReadFile(system.RootCertificate(s.config))
	if err != nil {
		s.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	if !s.roots.AppendCertsFromPEM(root) {
		s.Fatal("the root certificate is not PEM")
	}
	s.client, s.old = s.newClient(true), s.newClient(false)
	s.Cleanup(s.client.CloseIdleConnections)
	s.Cleanup(s.old.CloseIdleConnections)
}

func (s *split) configOf(module string, change ...func(*system.Config)) system.Config {
	c := testConfig(s.config.DataDir)
	c.Server.Modules, c.Server.Address = []string{module}, s.at("gateway")
	for name, module := range c.Modules {
		module.URL = "https://" + s.at(name)
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// at is where a module listens.
func (s *split) at(module string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.ports[module]))
}

func (s *split) start(module string, change ...func(*system.Config)) {
	s.Helper()
	s.logs[module] = &journal{}
	_, stop, err := serveSystem(s.configOf(module, change...), s.logs[module])
	if err != nil {
		s.Fatalf("%s: %v\n%s", module, err, s.logs[module])
	}
	s.stops[module] = stop
}

func (s *split) stop(module string) {
	if stop := s.stops[module]; stop != nil {
		delete(s.stops, module)
		if err := stop(); err != nil {
			s.Errorf("%s: %v", module, err)
		}
	}
}

// nextPort is where [freePort] goes on; tests of other packages run beside these ones.
var nextPort atomic.Int64

// freePort is a port that nobody listens on, below those that the system hands out by itself.
func freePort(t testing.TB) int {
	t.Helper()
	const first, count = 31000, 1000
	nextPort.CompareAndSwap(0, int64(os.Getpid()))
	for range count {
		port := first + int(nextPort.Add(1)%count)
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// logged waits until a module's log has a line with all of these texts.
func (s *split) logged(module string, texts ...string) {
	s.Helper()
	if !soon(func() bool { return len(s.lines(module, texts...)) > 0 }) {
		s.Errorf("the log of %s has no line with %q", module, texts)
	}
}

// lines are those of a module's log that have all of these texts.
func (s *split) lines(module string, texts ...string) (found []string) {
line:
	for line := range strings.Lines(s.logs[module].String()) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue line
			}
		}
		found = append(found, line)
	}
	return found
}

// soon reports whether something comes true before a test has to give up.
func soon(holds func() bool) bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-ticker.C {
		if holds() {
			return true
		}
	}
	return holds()
}

// stolen is the certificate of a workload, read from its process's files.
func (s *split) stolen(workload string) *tls.Certificate {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.config.DataDir, "pki", workload+".pem"))
	if err != nil {
		s.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(text, text)
	if err != nil {
		s.Fatal(err)
	}
	return &certificate
}

// minted is a certificate of the installation's own root, whatever it says: only a test (or a thief of the root) has it.
func (s *split) minted(change func(*x509.Certificate)) *tls.Certificate {
	s.Helper()
	root, key := s.root()
	return mint(s, s.config.Trust.Domain, root, key, change)
}

// root is what the STS signs certificates with.
func (s *split) root() (*x509.Certificate, *ecdsa.PrivateKey) {
	s.Helper()
	var private, certificate string
	if err := s.store("sts").Read(s.Context(), func(tx database.Tx) error {
		return tx.QueryRow(`SELECT private, certificate FROM keys WHERE purpose = 'certificates'`).Scan(&private, &certificate)
	}); err != nil {
		s.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(decoded(s, private))
	if err != nil {
		s.Fatal(err)
	}
	root, err := x509.ParseCertificate(decoded(s, certificate))
	if err != nil {
		s.Fatal(err)
	}
	return root, key.(*ecdsa.PrivateKey)
}

func decoded(t testing.TB, text string) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// mint signs whatever change makes of a right certificate of order; without a parent it signs itself.
func mint(t testing.TB, domain string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		URIs:                  []*url.URL{{Scheme: "spiffe", Host: domain, Path: "/order"}},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	chain := [][]byte{der}
	if len(parent.Raw) > 0 {
		chain = append(chain, parent.Raw)
	}
	return &tls.Certificate{Certificate: chain, PrivateKey: key, Leaf: leaf}
}

// files are a certificate for tools that read files.
func files(t testing.TB, c *tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	var chain bytes.Buffer
	for _, der := range c.Certificate {
		chain.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{cert: chain.Bytes(), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// caller is somebody with a certificate, or without one, who talks to a module's own port.
type caller struct {
	*split
	module string
	client *http.Client
}

// posing opens connections to a module with a certificate; nil presents none.
func (s *split) posing(module string, certificate *tls.Certificate) *caller {
	config := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if certificate != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate, nil }
	}
	transport := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP2(true)
	s.Cleanup(transport.CloseIdleConnections)
	return &caller{s, module, &http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send sends a request of the protocol between modules; options may spoil it.
func (p *caller) send(operation, content string, options ...option) reply {
	p.Helper()
	got, err := p.try(operation, content, options...)
	if err != nil {
		p.Fatalf("%s: %v\n%s", operation, err, p.logs[p.module])
	}
	return got
}

func (p *caller) try(operation, content string, options ...option) (reply, error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://"+p.at(p.module)+"/rpc/"+operation, nil)
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Rpc-Version", "1")
	r.Header.Set("Rpc-Timeout", "2000")
	body(content)(r)
	for _, set := range options {
		set(r)
	}
	return fetch(p.client, r)
}

// fetch gives a whole answer.
func fetch(client *http.Client, r *http.Request) (reply, error) {
	answer, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(text), answer.ProtoMajor}, err
}

// mustRefuse fails the test unless the answer is a problem of this code that says this.
func (p *caller) mustRefuse(what string, got reply, status int, code, detail string) {
	p.Helper()
	var said problem
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.status != status || said.Code != code || !strings.Contains(said.Detail, detail) {
		p.Errorf("%s: %d %q, want %d %s %q", what, got.status, got.body, status, code, detail)
	}
}

// gives decodes a good answer of an operation.
func gives[T any](p *caller, operation string, request any, options ...option) (answer T) {
	p.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		p.Fatal(err)
	}
	got := p.send(operation, string(text), options...)
	if got.status != http.StatusOK {
		p.Fatalf("%s: %d %s", operation, got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		p.Fatal(err)
	}
	return answer
}

// id is the identity of a workload of the installation.
func (s *split) id(workload string) string { return pki.ID(s.config.Trust.Domain, workload) }

func privateKey(t testing.TB, c *tls.Certificate) *ecdsa.PrivateKey {
	t.Helper()
	key, ok := c.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		t.Fatalf("a key of the type %T", c.PrivateKey)
	}
	return key
}

func asText(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
