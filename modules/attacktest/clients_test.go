package attacktest

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"oms/modules/systemtest"
)

// The honest clients are a process of their own, so that what they find is not how busy the attackers are. It reads what it
// needs, then a number of rounds again and again, each of which it answers when every client has got through so many more of
// them; when its input ends, it tells what it has found.

// given is what the honest clients' process needs.
type given struct {
	URL    string
	Dials  string // where the connections go
	Roots  []byte // PEM
	Tokens map[string]string
	Admins map[string]string // admin listeners by their process
}

// found is what honest clients have met.
type found struct {
	Asked int
	Shed  map[string]int // answers that ask to come back later, by what was asked and what it was told
	Wrong []string
	P99   time.Duration // in which 99 of 100 answers came
}

// clients are a handful that use the installation as it is meant, each with one request at a time.
type clients struct {
	given  given
	over   chan struct{}
	ended  sync.WaitGroup
	rounds []atomic.Int64 // of each client

	mu    sync.Mutex
	found found
	took  []time.Duration
}

// habit is what one client does again and again.
type habit struct {
	what   string
	http2  bool
	user   string // "" is nobody
	method string
	path   string
	body   func(round int64) string // nil is none
	status int
	shows  string
}

func habits() []habit {
	began := time.Now().UnixNano()
	order := func(round int64) string {
		return fmt.Sprintf(`{"id":"honest-%d-%d","name":"Honest","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`, began, round)
	}
	return []habit{
		{what: "look at the shop", method: http.MethodGet, path: "/inventory", status: http.StatusOK, shows: "SOWH1000XM4"},
		{what: "look at a product", http2: true, user: "counter", method: http.MethodGet, path: "/inventory/electronics/SOWH1000XM4", status: http.StatusOK, shows: "SOWH1000XM4"},
		{what: "place an order", http2: true, user: "alice", method: http.MethodPost, path: "/order", body: order, status: http.StatusCreated, shows: "created"},
		{what: "list the own orders", user: "counter", method: http.MethodGet, path: "/order?limit=5", status: http.StatusOK, shows: `"has_more"`},
		{what: "open the sign-in page", http2: true, method: http.MethodGet, path: "/oauth2/sign-in", status: http.StatusOK, shows: "</html>"},
	}
}

// pause is between two requests of an honest client: what somebody does who clicks fast.
const pause = 50 * time.Millisecond

// beClients is the honest clients' process.
func beClients(in io.Reader, out io.Writer) error {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	c := &clients{over: make(chan struct{}), found: found{Shed: map[string]int{}}}
	if err := orders.Decode(&c.given); err != nil {
		return err
	}
	c.begin()
	for {
		var rounds int64
		if err := orders.Decode(&rounds); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		c.goOn(rounds)
		if err := answers.Encode(rounds); err != nil {
			return err
		}
	}
	close(c.over)
	c.ended.Wait()
	if slices.Sort(c.took); len(c.took) > 0 {
		c.found.P99 = c.took[len(c.took)*99/100]
	}
	return answers.Encode(c.found)
}

// begin has the clients go on until they are over.
func (c *clients) begin() {
	roots, all := x509.NewCertPool(), habits()
	roots.AppendCertsFromPEM(c.given.Roots)
	c.rounds = make([]atomic.Int64, len(all)+len(c.given.Admins))
	for i, each := range all {
		client := systemtest.NewClient(systemtest.ClientOptions{
			Roots: func() (*x509.CertPool, error) { return roots, nil }, HTTP2: each.http2, From: net.ParseIP(honestAddress), Address: c.given.Dials,
		})
		c.loop(i, client.CloseIdleConnections, func(round int64) { c.ask(client, each, round) })
	}
	i := len(all)
	for name, admin := range c.given.Admins {
		c.loop(i, func() {}, func(int64) {
			if !says(admin, "/livez") {
				c.failed("the admin listener of %s does not answer", name)
			}
		})
		i++
	}
}

func (c *clients) loop(i int, done func(), once func(round int64)) {
	c.ended.Go(func() {
		defer done()
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			once(c.rounds[i].Add(1))
			select {
			case <-c.over:
				return
			case <-tick.C:
			}
		}
	})
}

func (c *clients) failed(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.found.Wrong) < 20 { // enough to understand it
		c.found.Wrong = append(c.found.Wrong, fmt.Sprintf(format, args...))
	}
}

// ask makes one request.
func (c *clients) ask(client *http.Client, each habit, round int64) {
	var body []byte
	if each.body != nil {
		body = []byte(each.body(round))
	}
	r, err := http.NewRequestWithContext(context.Background(), each.method, c.given.URL+each.path, bytes.NewReader(body))
	if err != nil {
		c.failed("%v", err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	if each.user != "" {
		r.Header.Set("Authorization", "Bearer "+c.given.Tokens[each.user])
	}
	begun := time.Now()
	answer, err := systemtest.Fetch(client, r)
	took := time.Since(begun)
	c.mu.Lock()
	c.found.Asked++
	c.took = append(c.took, took)
	c.mu.Unlock()
	switch later := answer.Header.Get("Retry-After") != ""; {
	case err != nil:
		c.failed("%s: no answer after %v: %v", each.what, took, err)
	case later && (answer.Status == http.StatusServiceUnavailable || answer.Status == http.StatusTooManyRequests):
		c.mu.Lock()
		c.found.Shed[fmt.Sprintf("%s: %d", each.what, answer.Status)]++
		c.mu.Unlock()
	case answer.Status != each.status, !strings.Contains(answer.Body, each.shows), strings.Contains(answer.Header.Get("Content-Type"), "json") && !json.Valid([]byte(answer.Body)):
		c.failed("%s: %d %.300s", each.what, answer.Status, answer.Body)
	}
}

// goOn waits until every client has got through so many more rounds.
func (c *clients) goOn(rounds int64) {
	want := make([]int64, len(c.rounds))
	for i := range c.rounds {
		want[i] = c.rounds[i].Load() + rounds
	}
	systemtest.Eventually(2*systemtest.AnsweredWithin, func() bool {
		for i := range c.rounds {
			if c.rounds[i].Load() < want[i] {
				return false
			}
		}
		return true
	})
}
