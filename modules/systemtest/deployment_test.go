package systemtest

import (
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"oms/modules"
	"oms/modules/gateway"
	"oms/modules/system"
	"oms/platform/module"
	"oms/platform/observe/observetest"
	"oms/platform/pki"
)

// deployment is the whole system, in one process or in several, on one data directory: what can be reached from outside,
// and its files and databases to look into.
type deployment struct {
	testing.TB
	config       system.Config // of the process with the public listener
	address      string        // of the public listener
	roots        *x509.CertPool
	http2, http1 *http.Client // to the public listener
	processes    []*process   // in the order in which they are started
}

// open serves the system in one process, on a data directory of its own, until the test ends.
func open(t testing.TB, change ...func(*system.Config)) *deployment {
	t.Helper()
	return openOn(t, seededDirectory(t), change...)
}

// everyShape opens the system in one process, and with a process for every module.
var everyShape = map[string]func(testing.TB, ...func(*system.Config)) *deployment{"one process": open, "split": openSplit}

// openOn is open on a data directory that may outlive the test.
func openOn(t testing.TB, dir string, change ...func(*system.Config)) *deployment {
	t.Helper()
	d := &deployment{TB: t}
	d.add(testConfig(dir), change)
	d.startAll()
	return d
}

// ports are for the listeners of several processes.
var ports = NewPorts(len(modules.All))

// openSplit serves every module in a process of its own, on one data directory, until the test ends.
func openSplit(t testing.TB, change ...func(*system.Config)) *deployment {
	t.Helper()
	first, release, err := ports.Block()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	d, dir := &deployment{TB: t}, seededDirectory(t)
	at := func(name string) string {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(first+slices.Index(module.Names(modules.All), name)))
	}
	for _, m := range module.MostCalledFirst(modules.All) { // whoever is called is there before its callers
		c := testConfig(dir)
		c.Server.Modules, c.Server.Address = []string{m.Name}, at(gateway.Name)
		for name, module := range c.Modules {
			module.URL = "https://" + at(name)
		}
		d.add(c, change)
	}
	d.startAll()
	return d
}

// callees are the modules with a listener of their own where they are split.
func callees() (names []string) {
	for _, m := range module.MostCalledFirst(modules.All) {
		if !m.Public {
			names = append(names, m.Name)
		}
	}
	return names
}

// add adds a process, which is not started yet.
func (d *deployment) add(c system.Config, change []func(*system.Config)) {
	for _, f := range change {
		f(&c)
	}
	d.processes = append(d.processes, &process{config: c})
}

// startAll starts every process, and stops them when the test ends.
func (d *deployment) startAll() {
	d.Helper()
	d.Cleanup(func() {
		for _, p := range slices.Backward(d.processes) {
			d.stopProcess(p)
		}
	})
	for _, p := range d.processes {
		d.startProcess(p)
	}
	public := d.process(gateway.Name)
	d.config, d.address = public.config, public.address
	d.trustRoots()
}

// trustRoots has clients of the public listener trust the roots that there are now.
func (d *deployment) trustRoots() {
	d.Helper()
	root, err := os.ReadFile(system.RootCertificate(d.config))
	if err != nil {
		d.Fatal(err)
	}
	d.roots = x509.NewCertPool()
	if !d.roots.AppendCertsFromPEM(root) {
		d.Fatal("the root certificate is not PEM")
	}
	d.http2, d.http1 = d.newClient(ClientOptions{HTTP2: true}), d.newClient(ClientOptions{})
}

// newClient trusts the system's root, and goes to its public listener whatever the URL says.
func (d *deployment) newClient(o ClientOptions) *http.Client {
	roots := d.roots
	o.Address, o.Roots = d.address, func() (*x509.CertPool, error) { return roots, nil }
	client := NewClient(o)
	d.Cleanup(client.CloseIdleConnections)
	return client
}

// process is the one that hosts a module.
func (d *deployment) process(module string) *process {
	d.Helper()
	i := slices.IndexFunc(d.processes, func(p *process) bool { return p.config.Hosts(module) })
	if i < 0 {
		d.Fatalf("no process hosts %s", module)
	}
	return d.processes[i]
}

func (d *deployment) startProcess(p *process) {
	d.Helper()
	if err := p.start(); err != nil {
		d.Fatalf("%v: %v\n%s", p.config.Server.Modules, err, p.log)
	}
}

func (d *deployment) stopProcess(p *process) {
	d.Helper()
	if err := p.stop(); err != nil {
		d.Errorf("%v: %v", p.config.Server.Modules, err)
	}
}

// start starts the process of a module again.
func (d *deployment) start(module string) {
	d.Helper()
	d.startProcess(d.process(module))
}

// stop stops the process of a module.
func (d *deployment) stop(module string) {
	d.Helper()
	d.stopProcess(d.process(module))
}

// log is that of the process that hosts a module, since it was started last.
func (d *deployment) log(module string) *observetest.Log {
	d.Helper()
	return d.process(module).log
}

// expectLogged waits until the log of a module's process has a line with all of these texts.
func (d *deployment) expectLogged(module string, texts ...string) {
	d.Helper()
	if !eventually(func() bool { return len(d.log(module).Lines(texts...)) > 0 }) {
		d.Errorf("the log of %s has no line with %q", module, texts)
	}
}

// addressOf is where a module listens for the other processes.
func (d *deployment) addressOf(module string) string { return d.config.ListenAddress(module) }

// identityOf is the identity of a workload of this installation.
func (d *deployment) identityOf(workload string) string {
	return pki.ID(d.config.Trust.Domain, workload)
}

// eventually reports whether something comes true before a test has to give up.
func eventually(holds func() bool) bool { return Eventually(15*time.Second, holds) }

func testConfig(dir string) system.Config {
	c := system.Defaults(modules.All)
	c.DataDir, c.Server.Address, c.Server.AdminAddress, c.Log.Level = dir, "127.0.0.1:0", "127.0.0.1:0", "debug"
	c.Server.PublicURL = "https://localhost:9090" // which does not follow from a port that the system chooses
	return c
}

// withProfile is a change of the configuration.
func withProfile(name string) func(*system.Config) {
	return func(c *system.Config) { c.Trust.Profile = name }
}

// withoutRates is for tests that send more than clients may.
func withoutRates(c *system.Config) { c.Server.Limits.Rates.Enabled = false }

// seeded is a data directory that a first start has left behind: hashing the demo passwords once is enough for all.
var seeded = sync.OnceValue(func() string {
	dir, err := os.MkdirTemp("", "seeded")
	if err != nil {
		panic(err)
	}
	p := &process{config: testConfig(dir)}
	if err = p.start(); err == nil {
		err = p.stop()
	}
	if err != nil {
		panic(err)
	}
	return dir
})

func TestMain(m *testing.M) {
	os.Exit(Alone(func() int {
		defer func() { _ = os.RemoveAll(seeded()) }()
		return m.Run()
	}))
}

// seededDirectory is a data directory of the test's own, as a first start leaves it.
func seededDirectory(t testing.TB) string {
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
