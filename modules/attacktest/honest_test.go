package attacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"oms/modules/systemtest"
)

// honest are a handful of clients that use the installation as it is meant, each with one request at a time.
type honest struct {
	d      *deployment
	over   chan struct{}
	ended  sync.WaitGroup
	rounds []atomic.Int64 // of each client

	mu    sync.Mutex
	wrong []string
	shed  int // answers that ask to come back later
	asked int
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

var orders atomic.Int64

func habits() []habit {
	order := func(int64) string {
		return fmt.Sprintf(`{"id":"honest-%d","name":"Honest","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`, orders.Add(1))
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

// beginHonest has the clients go on until end is called.
func (d *deployment) beginHonest() *honest {
	all := habits()
	h := &honest{d: d, over: make(chan struct{}), rounds: make([]atomic.Int64, len(all)+len(d.processes))}
	for i, each := range all {
		client := d.client(honestAddress, each.http2)
		h.loop(i, client.CloseIdleConnections, func(round int64) { h.ask(client, each, round) })
	}
	for i, p := range d.processes {
		h.loop(len(all)+i, func() {}, func(int64) {
			if !p.answers("/livez") {
				h.failed("the admin listener of %s does not answer", p.name)
			}
		})
	}
	return h
}

func (h *honest) loop(i int, done func(), once func(round int64)) {
	h.ended.Go(func() {
		defer done()
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			once(h.rounds[i].Add(1))
			select {
			case <-h.over:
				return
			case <-tick.C:
			}
		}
	})
}

func (h *honest) failed(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.wrong) < 20 { // enough to understand it
		h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
	}
}

// ask makes one request, and again what is answered with "later".
func (h *honest) ask(client *http.Client, each habit, round int64) {
	var body []byte
	if each.body != nil {
		body = []byte(each.body(round))
	}
	r, err := http.NewRequestWithContext(context.Background(), each.method, h.d.url()+each.path, bytes.NewReader(body))
	if err != nil {
		h.failed("%v", err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	if each.user != "" {
		r.Header.Set("Authorization", "Bearer "+h.d.tokens[each.user])
	}
	begun := time.Now()
	answer, err := systemtest.Fetch(client, r)
	took := time.Since(begun)
	h.mu.Lock()
	h.asked++
	h.took = append(h.took, took)
	h.mu.Unlock()
	switch later := answer.Header.Get("Retry-After") != ""; {
	case err != nil:
		h.failed("%s: no answer after %v: %v", each.what, took, err)
	case later && (answer.Status == http.StatusServiceUnavailable || answer.Status == http.StatusTooManyRequests):
		h.mu.Lock()
		h.shed++
		h.mu.Unlock()
	case answer.Status != each.status, !strings.Contains(answer.Body, each.shows), strings.Contains(answer.Header.Get("Content-Type"), "json") && !json.Valid([]byte(answer.Body)):
		h.failed("%s: %d %.300s", each.what, answer.Status, answer.Body)
	}
}

// goOn waits until every client has got through so many more rounds.
func (h *honest) goOn(rounds int64) {
	want := make([]int64, len(h.rounds))
	for i := range h.rounds {
		want[i] = h.rounds[i].Load() + rounds
	}
	systemtest.Eventually(2*systemtest.AnsweredWithin, func() bool {
		for i := range h.rounds {
			if h.rounds[i].Load() < want[i] {
				return false
			}
		}
		return true
	})
}

// end waits for the last answers.
func (h *honest) end() {
	close(h.over)
	h.ended.Wait()
}

// p99 is the time in which 99 of 100 answers came.
func (h *honest) p99() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(h.took))
	return sorted[len(sorted)*99/100]
}
