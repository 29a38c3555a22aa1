package attacktest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/systemtest"
)

// rate is how many guesses are judged at once, and after how long there is another one. docs/trust.md tells them.
type rate struct {
	burst int
	pause time.Duration
}

var (
	atOneName    = rate{10, 10 * time.Second}
	ofOneAddress = rate{50, 2 * time.Second}
)

// guesses are an attack of sign-ins with wrong passwords.
type guesses struct {
	name     string
	owner    string // of the name that is guessed at
	who      func(i int) string
	password func(i int) string
	from     func(i int) string // which address
	most     rate               // of those that count for it
}

// Guesses at a name are bounded, whatever else is sent and from wherever it comes, and the owner signs in beside them
// (CWE-307, CWE-645).
func TestGuesses(t *testing.T) {
	t.Parallel()
	wrong := func(i int) string { return fmt.Sprintf("guess-%d", i) }
	longPassword := func(int) string { return strings.Repeat("long", 500) }
	always := func(name string) func(int) string { return func(int) string { return name } }
	somebody := func(i int) string { return fmt.Sprintf("somebody-%d", i) }
	from := func(network string) func(int) string {
		return func(i int) string { return strings.ReplaceAll(network, "*", strconv.Itoa(i%250+1)) }
	}
	all := []guesses{
		{"of one address", "dora", always("dora"), wrong, from("192.0.2.1"), atOneName},
		{"of many addresses", "emil", always("emil"), wrong, from("198.51.100.*"), atOneName},
		{"of one IPv6 host with many addresses", "fritz", always("fritz"), wrong, from("2001:db8:1:1::*"), atOneName},
		{"between sign-ins as others", "gerda", nowAndThen("gerda", somebody), wrong, from("203.0.113.*"), atOneName},
		{"with passwords that are too long", "hans", always("hans"), longPassword, from("198.18.0.*"), atOneName},
		{"of one address at many names", "ida", somebody, wrong, from("192.0.2.99"), ofOneAddress},
		{"of one IPv6 host at many names", "jonas", somebody, wrong, from("2001:db8:2:2::*"), ofOneAddress},
	}
	var attacks []attack
	for _, each := range all {
		attacks = append(attacks, attack{name: each.name, send: func(a *assault) string { return a.guess(each) }})
	}
	settings := "server:\n  trusted_proxies: [" + attackersAddress + "]\n"
	runIn(t, shape{together.name, together.processes, settings, 0}, attacks)
	runIn(t, shape{apart.name, apart.processes, settings, 0}, attacks[:either(1, len(attacks))])
}

// nowAndThen is one name for every tenth attempt.
func nowAndThen(name string, others func(i int) string) func(i int) string {
	return func(i int) string {
		if i%10 == 0 {
			return name
		}
		return others(i)
	}
}

// guess sends the guesses. Now and then the owner of the name signs in, with a browser that is known to it, from elsewhere.
func (a *assault) guess(g guesses) string {
	const right = "the right password"
	a.tell(right, "users", "add", g.owner)
	own, strangers := a.client(honestAddress, true), a.client(attackersAddress, true)
	defer own.CloseIdleConnections()
	defer strangers.CloseIdleConnections()
	status, known := a.signInFrom(own, "", "", g.owner, right)
	if status != http.StatusSeeOther {
		a.t.Errorf("the owner cannot sign in: %d", status)
	}
	begun, times := time.Now(), either(200, 3000)
	var all, judged, owner statuses
	times = a.keepOn(times, 4, func(i int) {
		status, _ := a.signInFrom(strangers, g.from(i), "", g.who(i), g.password(i))
		if all.add(status); g.most == ofOneAddress || g.who(i) == g.owner {
			judged.add(status)
		}
		if i%50 == 0 {
			status, _ := a.signInFrom(own, "", known, g.owner, right)
			if owner.add(status); status != http.StatusSeeOther {
				a.t.Errorf("the owner is kept out: %d", status)
			}
		}
	})
	got, took := judged.counts[http.StatusUnprocessableEntity], time.Since(begun)
	if most := g.most.burst + int(took/g.most.pause) + 1; got == 0 || got > most {
		a.t.Errorf("%d guesses were judged, at least one and at most %d should be", got, most)
	}
	return fmt.Sprintf("%d sign-ins, answered %v; %d guesses were judged in %v; the owner beside them: %v", times, all.counts, got, took.Round(time.Millisecond), owner.counts)
}

// signInFrom sends the form of the sign-in page, as a proxy that knows the client's address, and gives by which cookie the
// browser is known from now on.
func (d *deployment) signInFrom(client *http.Client, forwarded, known, name, password string) (status int, cookie string) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, d.url()+"/oauth2/sign-in", strings.NewReader(url.Values{"name": {name}, "password": {password}}.Encode()))
	if err != nil {
		return 0, ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if forwarded != "" {
		r.Header.Set("X-Forwarded-For", forwarded)
	}
	if known != "" {
		r.Header.Set("Cookie", sts.KnownCookie+"="+known)
	}
	answer, err := systemtest.Fetch(client, r)
	if err != nil {
		return answer.Status, ""
	}
	for _, set := range (&http.Response{Header: answer.Header}).Cookies() {
		if set.Name == sts.KnownCookie {
			cookie = set.Value
		}
	}
	return answer.Status, cookie
}
