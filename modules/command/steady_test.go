package command_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"oms/modules/systemtest"
	"oms/platform/pki"
)

const (
	steadyEvery  = 300 * time.Millisecond // of each client: all day long, and with some breath left for the rest
	steadyFresh  = 6 * time.Second        // how often users get new tokens
	steadyAnew   = 8                      // requests of a client until it opens a new connection
	maxTellWrong = 10
)

// steady is a steady load, and what became of it.
type steady struct {
	cancel  context.CancelFunc
	workers sync.WaitGroup

	mu       sync.Mutex
	tokens   map[string]string
	orders   int
	answered map[string]int // by what was asked
	wrong    []string
}

// steadyClient asks for one thing again and again.
type steadyClient struct {
	what string
	http *http.Client
	call func(*steady) call // the next one
}

// beginLoad has clients of every kind ask from now on.
func beginLoad(ts *testscript.TestScript, _ bool, _ []string) {
	p := of(ts)
	base := ts.Getenv("APP_SERVER__PUBLIC_URL")
	ctx, cancel := context.WithCancel(context.Background())
	l := &steady{cancel: cancel, tokens: map[string]string{}, answered: map[string]int{}}
	p.load = l
	ts.Defer(l.stop)
	users := []string{"alice", "admin"}
	program, err := exec.LookPath("app")
	ts.Check(err)
	// The script goes on meanwhile, and may change its environment: this is the one of now.
	dir, environment := ts.MkAbs("."), environ(ts)
	fresh := func(user string) error {
		app := exec.CommandContext(ctx, program, "token", "--user", user)
		app.Dir, app.Env = dir, environment
		return l.refresh(ctx, app, user)
	}
	for _, user := range users {
		ts.Check(fresh(user))
	}
	l.every(ctx, steadyFresh, func() {
		for _, user := range users {
			if err := fresh(user); err != nil && ctx.Err() == nil {
				l.note("a token of "+user, err.Error())
			}
		}
	})
	get := func(path, user string) func(*steady) call {
		return func(l *steady) call {
			return call{method: http.MethodGet, url: base + path, token: l.token(user), want: http.StatusOK}
		}
	}
	page := get("/ui/orders", "")
	for i, c := range []steadyClient{
		{"an order, anonymously", nil, get("/order/100500", "")},
		{"the stock, anonymously", nil, get("/inventory", "")},
		{"her orders", nil, get("/order", "alice")},
		{"all orders", nil, get("/order", "admin")},
		{"an order to be placed", nil, func(l *steady) call { return l.place(base, "alice") }},
		{"another order to be placed", nil, func(l *steady) call { return l.place(base, "alice") }},
		{"the shop's page", nil, get("/ui/", "")},
		{"the orders' page", nil, page},
	} {
		c.http = newClient(ts, i%2 == 0)
		c.http.Jar = p.browser(ts, "alice")
		asked := 0
		l.every(ctx, steadyEvery, func() {
			if asked++; asked%steadyAnew == 0 {
				c.http.CloseIdleConnections()
			}
			l.ask(c)
		})
	}
}

// every does something again and again until ctx ends, and finishes it then.
func (l *steady) every(ctx context.Context, interval time.Duration, do func()) {
	l.workers.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for ctx.Err() == nil {
			do()
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	})
}

// refresh keeps the token that a command prints as the user's.
func (l *steady) refresh(ctx context.Context, app *exec.Cmd, user string) error {
	text, err := app.Output()
	if err != nil {
		return errors.Join(err, ctx.Err())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens[user] = strings.TrimSpace(string(text))
	return nil
}

func (l *steady) token(user string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tokens[user]
}

// place is an order that a user places, another one each time.
func (l *steady) place(base, user string) call {
	body := fmt.Appendf(nil, `{"id":"steady-%d","name":"Under load","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`, l.next())
	return call{method: http.MethodPost, url: base + "/order", token: l.token(user), body: body, want: http.StatusCreated}
}

// next numbers the orders.
func (l *steady) next() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orders++
	return l.orders
}

// sum is how many requests were answered.
func (l *steady) sum() (requests int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.answered {
		requests += n
	}
	return requests
}

// ask sends one request. Whatever is not the answer that everybody gets on a quiet day is wrong.
func (l *steady) ask(c steadyClient) {
	next := c.call(l)
	began := time.Now()
	status, body, err := next.exchange(c.http)
	switch {
	case err != nil:
		l.note(c.what, fmt.Sprintf("after %v: %v", time.Since(began), err))
	case status != next.want:
		l.note(c.what, fmt.Sprintf("%d %.300s", status, body))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered[c.what]++
}

func (l *steady) note(what, wrong string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf("%s %s: %s", time.Now().UTC().Format("15:04:05.000"), what, wrong))
}

func (l *steady) stop() {
	l.cancel()
	l.workers.Wait()
}

// endLoad ends it; every request must have been answered as on a quiet day, and of each kind so many.
func endLoad(ts *testscript.TestScript, _ bool, args []string) {
	floor, err := strconv.Atoi(args[0])
	ts.Check(err)
	l := of(ts).load
	l.stop()
	sum := l.sum()
	ts.Logf("%d requests were answered, %d of them wrongly: %v", sum, len(l.wrong), l.answered)
	if len(l.wrong) > 0 {
		ts.Fatalf("%d wrong answers:\n%s", len(l.wrong), strings.Join(l.wrong[:min(len(l.wrong), maxTellWrong)], "\n"))
	}
	if sum < floor {
		ts.Fatalf("only %d requests were answered, not %d", sum, floor)
	}
}

// knock calls a module's listener with the key and the certificate in a file.
func knock(ts *testscript.TestScript, neg bool, args []string) {
	until := slices.Contains(args, "-until")
	if len(args) < 2 {
		ts.Fatalf("usage: [!] knock FILE ADDRESS [-until]")
	}
	identity, err := pki.OpenKeyPair(ts.MkAbs(args[0]))
	ts.Check(err)
	certificate := identity.Current()
	if certificate == nil {
		ts.Fatalf("%s holds no certificate", args[0])
	}
	client := &http.Client{Timeout: systemtest.AnsweredWithin, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{*certificate}, InsecureSkipVerify: true},
	}}
	admitted := func() bool {
		answer, err := client.Get("https://" + args[1] + "/rpc/")
		if err != nil {
			fmt.Fprintln(ts.Stderr(), err)
			return false
		}
		_, err = io.Copy(io.Discard, answer.Body)
		ts.Check(errors.Join(err, answer.Body.Close()))
		return true
	}
	got := admitted()
	if until && got == neg {
		eventually(ts, changesWithin, fmt.Sprintf("%s is refused: %v", args[0], neg), func() bool {
			got = admitted()
			return got != neg
		})
	}
	if got == neg {
		ts.Fatalf("%s is admitted at %s: %v", args[0], args[1], got)
	}
}

// lines waits until so many lines of a file match.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: lines FILE TEXT NUMBER")
	}
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	eventually(ts, changesWithin, fmt.Sprintf("%s has %d lines with %q", args[0], want, args[1]), func() bool {
		got := 0
		for line := range strings.Lines(ts.ReadFile(args[0])) {
			if strings.Contains(line, args[1]) {
				got++
			}
		}
		return got == want
	})
}
