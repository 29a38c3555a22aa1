package attacktest

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"oms/modules/systemtest"
)

const (
	// startsWithin is generous: the machine may be busy.
	startsWithin = 60 * time.Second
	// adminPatience is that of an orchestrator that restarts what does not answer.
	adminPatience = 3 * time.Second
	// The honest clients come from another address than the attackers, as they do in the world.
	attackersAddress = "127.0.0.1"
	honestAddress    = "127.0.77.7"
)

// modulePorts are where the modules listen, counted from the first port of the deployment's block.
var modulePorts = []string{"gateway", "sts", "order", "inventory"}

// deployment is an installation that runs: one process, or a process for each module.
type deployment struct {
	t         testing.TB
	dir       string
	port      int
	processes []*process
	roots     *x509.CertPool
	rootsPEM  []byte
	tokens    map[string]string // of the demo users
	calm      time.Duration     // see usual; 0 is not known yet
	beside    *deployment       // see bare; nil is not started yet
}

// process is one of its processes.
type process struct {
	name    string // the modules that it hosts
	command *exec.Cmd
	pid     int
	log     string // the file
	admin   string
	ended   chan struct{}
}

// oneProcess and split are the shapes in which everything is attacked.
var (
	oneProcess = []string{"all"}
	split      = modulePorts
)

// start starts an installation of this shape.
func start(t testing.TB, in shape) *deployment {
	t.Helper()
	port, release, err := ports.Block()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	d := &deployment{t: t, dir: t.TempDir(), port: port, tokens: map[string]string{}}
	if err := os.WriteFile(filepath.Join(d.dir, "config.yaml"), []byte(in.settings), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, modules := range in.processes {
		d.processes = append(d.processes, d.serve(modules, in.ulimit))
	}
	for _, p := range d.processes {
		if !systemtest.Eventually(startsWithin, func() bool { return p.hasEnded() || p.answers("/readyz") }) || p.hasEnded() {
			t.Fatalf("%s does not start:\n%s", p.name, p.said())
		}
	}
	if d.rootsPEM, err = os.ReadFile(filepath.Join(d.dir, "data", "pki", "root.pem")); err != nil {
		t.Fatal(err)
	}
	d.roots = x509.NewCertPool()
	d.roots.AppendCertsFromPEM(d.rootsPEM)
	for _, user := range []string{"alice", "bob", "counter", "admin"} {
		d.tokens[user] = strings.TrimSpace(d.app("token", "--user", user, "--ttl", "24h"))
	}
	return d
}

// environ is what the processes see: nothing of who runs the tests.
func (d *deployment) environ() []string {
	list := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "APP_SERVER__ADDRESS=" + d.address("gateway"), "APP_SERVER__PUBLIC_URL=" + d.url()}
	for _, module := range modulePorts[1:] {
		list = append(list, "APP_MODULES__"+strings.ToUpper(module)+"__URL=https://"+d.address(module))
	}
	return list
}

// address is where a module listens.
func (d *deployment) address(module string) string {
	return fmt.Sprintf("localhost:%d", d.port+slices.Index(modulePorts, module))
}

// admin is the admin listener of the process whose first module this is: a hundred above it.
func (d *deployment) admin(module string) string {
	return fmt.Sprintf("http://localhost:%d", d.port+slices.Index(modulePorts, module)+100)
}

func (d *deployment) url() string { return "https://" + d.address("gateway") }

func (d *deployment) serve(modules string, ulimit int) *process {
	first := strings.ReplaceAll(modules, "all", "gateway")
	p := &process{name: modules, log: filepath.Join(d.dir, modules+".log"), admin: d.admin(first), ended: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	script := "exec \"$@\""
	if ulimit > 0 {
		script = fmt.Sprintf("ulimit -n %d; %s", ulimit, script)
	}
	p.command = firstInLine("sh", "-c", script, "sh", binary, "serve", "--modules="+modules)
	p.command.Dir, p.command.Env, p.command.Stdout, p.command.Stderr = d.dir, d.environ(), log, log
	if err := p.command.Start(); err != nil {
		d.t.Fatal(err)
	}
	p.pid = p.command.Process.Pid
	go func() {
		_ = p.command.Wait() // how it ended is told by its log
		close(p.ended)
	}()
	d.t.Cleanup(func() {
		if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			d.t.Error(err)
		}
		<-p.ended
	})
	return p
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// answers reports whether the admin listener says yes.
func (p *process) answers(path string) bool { return says(p.admin, path) }

// says reports whether an admin listener says yes, to a client that connects anew.
func says(admin, path string) bool {
	client := http.Client{Timeout: adminPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(admin + path)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// app runs a command of the program beside the servers and gives what it prints.
func (d *deployment) app(args ...string) string { return d.tell("", args...) }

// tell is the same with what the command reads.
func (d *deployment) tell(stdin string, args ...string) string {
	d.t.Helper()
	command := exec.Command(binary, args...)
	var stderr bytes.Buffer
	command.Dir, command.Env, command.Stdin, command.Stderr = d.dir, d.environ(), strings.NewReader(stdin), &stderr
	output, err := command.Output()
	if err != nil {
		d.t.Fatalf("app %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(output)
}

// client comes from an address of loopback and trusts the installation's root.
func (d *deployment) client(from string, http2 bool) *http.Client {
	return systemtest.NewClient(systemtest.ClientOptions{
		Roots: func() (*x509.CertPool, error) { return d.roots, nil }, HTTP2: http2, From: net.ParseIP(from), Address: d.loopback("gateway"),
	})
}

// loopback is a module's address in IPv4, which every address of loopback can reach.
func (d *deployment) loopback(module string) string {
	return strings.Replace(d.address(module), "localhost", "127.0.0.1", 1)
}
