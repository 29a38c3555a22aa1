package command_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"oms/modules"
	"oms/platform/module"
)

const (
	// startsWithin is generous: hashing the demo passwords takes seconds on a busy machine with the race detector.
	startsWithin = 60 * time.Second
	endsWithin   = 60 * time.Second
)

// onlyServer is the name of the server that is started without one.
const onlyServer = "server"

// script is the servers of a script, and what is known about them.
type script struct {
	deployment deployment
	servers    map[string]*server
	tokens     map[string]string
	browsers   map[string]http.CookieJar
	body       []byte // of the last answer
	location   string // to which it leads
	load       *steady
	held       []*os.File // pipes that are not read
	transcript string     // the file to which answers are appended; "" is none
}

// server is one process, running or ended.
type server struct {
	process *exec.Cmd
	log     string // the file
	before  int64  // how long the log was when it started
	stdout  bytes.Buffer
	ended   chan struct{} // closed when it has
	admin   string
}

type scriptKey struct{}

func of(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// named are the servers of these names, or those without a name where none is given.
func (p *script) named(ts *testscript.TestScript, names ...string) []*server {
	switch {
	case len(names) > 0:
	case len(p.deployment.processes) > 0:
		names = p.deployment.processes
	default:
		names = []string{onlyServer}
	}
	var list []*server
	for _, name := range names {
		if p.servers[name] == nil {
			ts.Fatalf("no server was started as %s", name)
		}
		list = append(list, p.servers[name])
	}
	return list
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	serveAs(ts, neg, append([]string{onlyServer}, args...))
	if !neg {
		ready(ts, false, nil)
	}
}

func serveAs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		ts.Fatalf("usage: [!] serve-as NAME [FLAG...]")
	}
	started := of(ts).start(ts, args[0], args[1:], nil)
	if neg {
		started.refused(ts)
	}
}

// serveUnread starts a server whose log is a pipe. Its reader reads until it is ready; then it is gone, or held, and reads no
// more.
func serveUnread(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "gone" && args[0] != "held" {
		ts.Fatalf("usage: serve-unread gone|held")
	}
	reader, writer, err := os.Pipe()
	ts.Check(err)
	defer writer.Close()
	_, err = unix.FcntlInt(writer.Fd(), unix.F_SETPIPE_SZ, 4<<10) // some twenty lines
	ts.Check(err)
	p := of(ts)
	p.start(ts, onlyServer, nil, writer)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			if strings.Contains(lines.Text(), "Health and metrics") {
				return
			}
		}
	}()
	ready(ts, false, nil)
	<-over
	if args[0] == "gone" {
		ts.Check(reader.Close())
		return
	}
	p.held = append(p.held, reader)
}

// send sends a signal to a server.
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: signal SIGNAL [NAME]")
	}
	number := unix.SignalNum(args[0])
	if number == 0 {
		ts.Fatalf("%s is no signal", args[0])
	}
	for _, s := range of(ts).named(ts, args[1:]...) {
		ts.Check(s.process.Process.Signal(number))
	}
}

func ready(ts *testscript.TestScript, _ bool, args []string) {
	for _, s := range of(ts).named(ts, args...) {
		eventually(ts, startsWithin, "the server of "+s.log+" is ready", func() bool {
			if s.hasEnded() {
				ts.Fatalf("the server has ended instead of starting: %v\n%s", s.process.ProcessState, s.said(ts))
			}
			return s.ready()
		})
	}
}

// says waits for a line of the log.
func says(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: says NAME PATTERN")
	}
	s := of(ts).named(ts, args[0])[0]
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	eventually(ts, changesWithin, s.log+" says "+args[1], func() bool { return pattern.MatchString(s.said(ts)) })
}

// start starts a server. What it says goes to a file, as with a service manager, or to a pipe.
func (p *script) start(ts *testscript.TestScript, name string, flags []string, pipe *os.File) *server {
	if before := p.servers[name]; before != nil && !before.hasEnded() {
		ts.Fatalf("the server %s runs already", name)
	}
	s := &server{log: name + ".log", ended: make(chan struct{}), admin: "http://" + adminAddress(ts, flags)}
	log, err := os.OpenFile(ts.MkAbs(s.log), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	size, err := log.Stat()
	ts.Check(err)
	s.before = size.Size()
	path, err := exec.LookPath("app")
	ts.Check(err)
	s.process = exec.Command(path, append([]string{"serve"}, flags...)...)
	s.process.Dir, s.process.Env = ts.MkAbs("."), environ(ts)
	s.process.Stdout, s.process.Stderr = &s.stdout, cmp.Or(pipe, log)
	ts.Check(s.process.Start())
	p.servers[name] = s
	go func() {
		_ = s.process.Wait() // its status is looked at where it matters
		close(s.ended)
	}()
	return s
}

// adminAddress is where a server with these flags has its admin listener: 100 above the first listener of its modules.
func adminAddress(ts *testscript.TestScript, flags []string) string {
	var hosted []string
	for i, flag := range flags {
		if value, is := strings.CutPrefix(flag, "--modules="); is {
			hosted = strings.Split(value, ",")
		} else if flag == "--modules" && i+1 < len(flags) {
			hosted = strings.Split(flags[i+1], ",")
		}
	}
	for _, m := range module.Sorted(modules.All) {
		switch {
		case !slices.Contains(hosted, m.Name):
		case m.Public:
			return ts.Getenv("ADMIN")
		default:
			return ts.Getenv(strings.ToUpper(m.Name) + "_ADMIN")
		}
	}
	return ts.Getenv("ADMIN")
}

func (s *server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// said is its log since it started.
func (s *server) said(ts *testscript.TestScript) string { return ts.ReadFile(s.log)[s.before:] }

// refused expects a start that fails as it should: what it says is about the failure or is a line of the log.
func (s *server) refused(ts *testscript.TestScript) {
	select {
	case <-s.ended:
	case <-time.After(startsWithin):
		s.crash()
		ts.Fatalf("the server runs, although it should not:\n%s", s.said(ts))
	}
	s.expectStatus(ts, 1)
	for line := range strings.Lines(s.said(ts)) {
		switch {
		case strings.HasPrefix(line, "app: "), strings.HasPrefix(line, "{"):
			_, err := ts.Stderr().Write([]byte(line))
			ts.Check(err)
		case !strings.HasPrefix(line, "time="):
			ts.Fatalf("a line that is neither the log's nor the command's: %s", line)
		}
	}
}

func (s *server) ready() bool {
	answer, err := http.Get(s.admin + "/readyz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// terminate ends servers one after the other, so that a script decides who still has whom while it finishes its work.
func terminate(ts *testscript.TestScript, _ bool, args []string) {
	for _, s := range of(ts).named(ts, args...) {
		s.terminate(ts)
	}
}

func (s *server) terminate(ts *testscript.TestScript) {
	ts.Check(s.process.Process.Signal(syscall.SIGTERM))
	s.drains(ts)
}

// drained waits for servers that are ending, as they should.
func drained(ts *testscript.TestScript, _ bool, args []string) {
	for _, s := range of(ts).named(ts, args...) {
		s.drains(ts)
	}
}

func (s *server) drains(ts *testscript.TestScript) {
	select {
	case <-s.ended:
	case <-time.After(endsWithin):
		s.crash()
		ts.Fatalf("the server of %s did not end within %v of its signal", s.log, endsWithin)
	}
	s.expectStatus(ts, 0)
}

func (s *server) expectStatus(ts *testscript.TestScript, want int) {
	if got := s.process.ProcessState.ExitCode(); got != want {
		ts.Fatalf("the server ended with status %d, not %d:\n%s", got, want, s.said(ts))
	}
	if s.stdout.Len() > 0 {
		ts.Fatalf("the server wrote to its standard output:\n%s", s.stdout.String())
	}
}

func crash(ts *testscript.TestScript, _ bool, args []string) {
	for _, s := range of(ts).named(ts, args...) {
		s.crash()
	}
}

// crash kills it where it runs.
func (s *server) crash() {
	if err := s.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err)
	}
	<-s.ended
}

// end kills what runs at the end of a script.
func (p *script) end() {
	for _, s := range p.servers {
		s.crash()
	}
	for _, pipe := range p.held {
		_ = pipe.Close()
	}
}

// environ is what a server may see: nothing of who runs the tests. A script's other settings stand in its config.yaml.
func environ(ts *testscript.TestScript) []string {
	names := []string{"PATH", "HOME", "TMPDIR", "APP_SERVER__ADDRESS", "APP_SERVER__PUBLIC_URL", "APP_TRUST__PROFILE"}
	for _, m := range modules.All {
		if !m.Public {
			names = append(names, "APP_MODULES__"+strings.ToUpper(m.Name)+"__URL")
		}
	}
	var list []string
	for _, name := range names {
		list = append(list, name+"="+ts.Getenv(name))
	}
	return list
}
