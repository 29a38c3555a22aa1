package command_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	// sessionsEvery is how often each client of the user that goes on asks: some 30 requests a second in all, which is within
	// what one user may send.
	sessionsEvery = 100 * time.Millisecond
	// sessionsPause lies between two sign-ins of a browser, each of which costs a password's check.
	sessionsPause = 50 * time.Millisecond
)

// coming is a steady load of one user while other sessions of that user begin and end.
type coming struct {
	*steady
	base, name, password string

	mu    sync.Mutex
	ended map[string]int // sessions, by how they ended
}

// sessionsComeAndGo has a program with an access token and a browser of one user go on at a steady pace, while other browsers of
// the user sign in, sign in anew and sign out all the time. Nobody may hear of anybody else's end.
func sessionsComeAndGo(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: sessions-come-and-go NAME REQUESTS SESSIONS")
	}
	requests, err := strconv.Atoi(args[1])
	ts.Check(err)
	sessions, err := strconv.Atoi(args[2])
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	name := args[0]
	l := &coming{
		steady: &steady{cancel: cancel, tokens: map[string]string{name: accessToken(ts, name)}, answered: map[string]int{}},
		base:   ts.Getenv("APP_SERVER__PUBLIC_URL"), name: name, password: name + "-demo", ended: map[string]int{},
	}
	ts.Defer(l.stop)
	get := func(path, user string) func(*steady) call {
		return func(s *steady) call {
			return call{method: http.MethodGet, url: l.base + path, token: s.token(user), want: http.StatusOK}
		}
	}
	browser := newClient(ts, true)
	ts.Check(l.signIn(browser))
	for _, c := range []steadyClient{
		{"a program's order", newClient(ts, false), func(s *steady) call { return s.place(l.base, name) }},
		{"another program's order", newClient(ts, true), func(s *steady) call { return s.place(l.base, name) }},
		{"a program's list", newClient(ts, true), get("/order?limit=1", name)},
		{"a page of the browser that stays", browser, get("/ui/basket", "")},
		{"an order of the browser that stays", browser, func(*steady) call { return l.form("/ui/orders", orderForm(), http.StatusSeeOther) }},
	} {
		l.every(ctx, sessionsEvery, func() { l.ask(c) })
	}
	for i := range 3 {
		come := newClient(ts, i%2 == 0)
		l.every(ctx, sessionsPause, func() { l.comeAndGo(ctx, come) })
	}
	eventually(ts, startsWithin+changesWithin, "enough was asked, and enough sessions have ended", func() bool { return l.enough(requests, sessions) })
	l.stop()
	ts.Logf("%d requests of those who stay were answered, %d of them wrongly: %v; sessions ended beside them: %v", l.sum(), len(l.wrong), l.answered, l.ended)
	if len(l.wrong) > 0 {
		ts.Fatalf("%d wrong answers:\n%s", len(l.wrong), strings.Join(l.wrong[:min(len(l.wrong), maxTellWrong)], "\n"))
	}
}

// comeAndGo begins a session in a browser, looks around in it, and ends it: by signing out, or by signing in again.
func (l *coming) comeAndGo(ctx context.Context, browser *http.Client) {
	how := "signing in anew"
	if browser.Jar == nil {
		how = "" // the first one ends nothing
	}
	if err := l.signIn(browser); err != nil {
		if ctx.Err() == nil {
			l.note("signing in", err.Error())
		}
		return
	}
	l.count(how)
	l.ask(steadyClient{"a page of a browser that has just signed in", browser, func(*steady) call {
		return call{method: http.MethodGet, url: l.base + "/ui/basket", want: http.StatusOK}
	}})
	l.mu.Lock()
	out := l.ended["signing out"] < l.ended["signing in anew"]
	l.mu.Unlock()
	if out {
		l.ask(steadyClient{"signing out", browser, func(*steady) call { return l.form("/oauth2/logout", url.Values{}, http.StatusSeeOther) }})
		l.count("signing out")
		browser.Jar = nil
	}
}

// signIn signs the user in, in a browser that keeps its cookies.
func (l *coming) signIn(browser *http.Client) error {
	if browser.Jar == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return err
		}
		browser.Jar = jar
	}
	form := l.form("/oauth2/sign-in", url.Values{"name": {l.name}, "password": {l.password}, "next": {"/ui/"}}, http.StatusSeeOther)
	status, body, err := form.exchange(browser)
	if err == nil && status != form.want {
		err = fmt.Errorf("%d %.300s", status, body)
	}
	return err
}

// form is a form of a page of ours.
func (l *coming) form(path string, fields url.Values, want int) call {
	jar, _ := cookiejar.New(nil) // says that a browser sends it; the client has the cookies
	return call{method: http.MethodPost, url: l.base + path, body: []byte(fields.Encode()), form: true, browser: jar, want: want}
}

func orderForm() url.Values {
	return url.Values{
		"idempotency_key": {strings.ToLower(rand.Text())}, "name": {"By the browser that stays"},
		"category.0": {"electronics"}, "code.0": {"SOWH1000XM4"}, "qty.0": {"1"},
	}
}

func (l *coming) count(how string) {
	if how == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended[how]++
}

func (l *coming) enough(requests, sessions int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sum() >= requests && l.ended["signing out"] >= sessions/2 && l.ended["signing in anew"] >= sessions/2
}
