package command_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	// startsWithin is generous: hashing the demo passwords takes seconds on a busy machine with the race detector.
	startsWithin = 60 * time.Second
	endsWithin   = 60 * time.Second
)

// process is the server of a script, and what is known about it.
type process struct {
	server *exec.Cmd
	stdout *bytes.Buffer
	ended  chan struct{} // closed when it has
	admin  string
	tokens map[string]string
	body   []byte // of the last answer
}

type processKey struct{}

func of(ts *testscript.TestScript) *process { return ts.Value(processKey{}).(*process) }

// serve starts the server. What it says goes to files, as with a service manager.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	p := of(ts)
	log, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	before, err := log.Stat()
	ts.Check(err)
	p.start(ts, log, args)
	said := func() string { return ts.ReadFile("server.log")[before.Size():] }
	if neg {
		p.refused(ts, said)
		return
	}
	eventually(ts, startsWithin, "the server is ready", func() bool {
		select {
		case <-p.ended:
			ts.Fatalf("the server has ended instead of starting: %v\n%s", p.server.ProcessState, said())
		default:
		}
		return p.ready()
	})
}

func (p *process) start(ts *testscript.TestScript, log *os.File, args []string) {
	if p.server != nil {
		select {
		case <-p.ended:
		default:
			p.crash()
			ts.Fatalf("the server runs already")
		}
	}
	path, err := exec.LookPath("app")
	ts.Check(err)
	p.server = exec.Command(path, append([]string{"serve"}, args...)...)
	p.server.Dir = ts.MkAbs(".")
	p.server.Env = environ(ts)
	p.server.Stderr = log
	p.stdout = new(bytes.Buffer)
	p.server.Stdout = p.stdout
	ts.Check(p.server.Start())
	ended, server := make(chan struct{}), p.server
	p.ended = ended
	go func() {
		_ = server.Wait() // its status is looked at where it matters
		close(ended)
	}()
}

// refused expects a start that fails as it should: what it says is about the failure or is a line of the log.
func (p *process) refused(ts *testscript.TestScript, said func() string) {
	select {
	case <-p.ended:
	case <-time.After(startsWithin):
		p.crash()
		ts.Fatalf("the server runs, although it should not:\n%s", said())
	}
	p.expectStatus(ts, 1, said)
	for line := range strings.Lines(said()) {
		switch {
		case strings.HasPrefix(line, "app: "):
			_, err := ts.Stderr().Write([]byte(line))
			ts.Check(err)
		case !strings.HasPrefix(line, "time="):
			ts.Fatalf("a line that is neither the log's nor the command's: %s", line)
		}
	}
}

func (p *process) ready() bool {
	answer, err := http.Get(p.admin + "/readyz")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	p := of(ts)
	ts.Check(p.server.Process.Signal(syscall.SIGTERM))
	p.endedWell(ts)
}

func (p *process) endedWell(ts *testscript.TestScript) {
	select {
	case <-p.ended:
	case <-time.After(endsWithin):
		p.crash()
		ts.Fatalf("the server did not end within %v of SIGTERM", endsWithin)
	}
	p.expectStatus(ts, 0, func() string { return ts.ReadFile("server.log") })
}

func (p *process) expectStatus(ts *testscript.TestScript, want int, said func() string) {
	if got := p.server.ProcessState.ExitCode(); got != want {
		ts.Fatalf("the server ended with status %d, not %d:\n%s", got, want, said())
	}
	if p.stdout.Len() > 0 {
		ts.Fatalf("the server wrote to its standard output:\n%s", p.stdout)
	}
}

func crash(ts *testscript.TestScript, _ bool, _ []string) { of(ts).crash() }

// crash kills what runs, also at the end of a script.
func (p *process) crash() {
	if p.server == nil {
		return
	}
	if err := p.server.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err)
	}
	<-p.ended
}

// environ is what the server may see: nothing of who runs the tests. A script's other settings stand in its config.yaml.
func environ(ts *testscript.TestScript) []string {
	var list []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", embeddedConfig, "APP_SERVER__ADDRESS", "APP_SERVER__PUBLIC_URL"} {
		list = append(list, name+"="+ts.Getenv(name))
	}
	return list
}
