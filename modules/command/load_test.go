package command_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"oms/modules/systemtest"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	loadClients    = 8   // every other one speaks HTTP/2
	loadConcurrent = 4   // requests at once of each client
	loadBefore     = 100 // orders that are acknowledged before SIGTERM, which is the least that the test is about
	// mayBeLost are answers to requests that arrive in the very moment in which their connection is closed as idle;
	// net/http cannot tell them from those that come too late.
	mayBeLost   = 2
	loadProduct = "electronics/SOWH1000XM4"
)

// load is what became of the orders. Those without an answer may be there or not, like after any broken connection.
type load struct {
	mu           sync.Mutex
	last         int
	acknowledged []string
	refused      []string
	unanswered   []string
	wrong        []string // answers that should not be
	enough       chan struct{}
}

func ordersUntilTerminated(ts *testscript.TestScript, _ bool, args []string) {
	server, l := of(ts).named(ts, args[1:]...)[0], &load{enough: make(chan struct{})}
	target := call{method: http.MethodPost, url: ts.Getenv("APP_SERVER__PUBLIC_URL") + "/order", token: accessToken(ts, "counter")}
	var workers sync.WaitGroup
	for i := range loadClients {
		client := newClient(ts, i%2 == 0)
		defer client.CloseIdleConnections()
		for range loadConcurrent {
			workers.Go(func() {
				for l.place(client, target) {
				}
			})
		}
	}
	select {
	case <-l.enough:
	case <-server.ended:
	case <-time.After(startsWithin):
	}
	server.terminate(ts)
	workers.Wait()
	l.report(ts, args[0])
}

// place places one order and reports whether there was an answer.
func (l *load) place(client *http.Client, c call) bool {
	l.mu.Lock()
	l.last++
	id := fmt.Sprintf("load-%d", l.last)
	l.mu.Unlock()
	c.body = fmt.Appendf(nil, `{"id":%q,"name":"Under load","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`, id)
	status, body, err := c.exchange(client)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && status == 0:
		l.unanswered = append(l.unanswered, id)
		return false
	case err != nil:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: the answer %d is not whole: %v", id, status, err))
	case status == http.StatusCreated && string(body) == fmt.Sprintf(`{"status":"Order '%s' created."}`, id):
		if l.acknowledged = append(l.acknowledged, id); len(l.acknowledged) == loadBefore {
			close(l.enough)
		}
	case status == http.StatusServiceUnavailable && json.Valid(body):
		l.refused = append(l.refused, id)
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: %d %s", id, status, body))
	}
	return true
}

// exchange gives the status 0 where there was no answer, and an error where there was none or not all of it.
func (c call) exchange(client *http.Client) (status int, body []byte, err error) {
	r, err := c.request()
	if err != nil {
		return 0, nil, err
	}
	answer, err := systemtest.Fetch(client, r)
	return answer.Status, []byte(answer.Body), err
}

func (l *load) report(ts *testscript.TestScript, file string) {
	ts.Logf("%d acknowledged, %d of them after SIGTERM was due; %d refused; %d without an answer",
		len(l.acknowledged), len(l.acknowledged)-loadBefore, len(l.refused), len(l.unanswered))
	if len(l.wrong) > 0 {
		ts.Fatalf("%d wrong answers:\n%s", len(l.wrong), strings.Join(l.wrong, "\n"))
	}
	if len(l.acknowledged) < loadBefore {
		ts.Fatalf("fewer than %d orders were acknowledged", loadBefore)
	}
	var text strings.Builder
	for _, id := range l.acknowledged {
		fmt.Fprintln(&text, "acknowledged", id)
	}
	for _, id := range append(l.refused, l.unanswered...) {
		fmt.Fprintln(&text, "unknown", id)
	}
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text.String()), 0o600))
}

func ordersAreThere(ts *testscript.TestScript, _ bool, args []string) {
	client := newClient(ts, false)
	defer client.CloseIdleConnections()
	there, unasked, unanswered := 0, 0, 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		kind, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		c := call{method: http.MethodGet, url: ts.Getenv("APP_SERVER__PUBLIC_URL") + "/order/" + id}
		status, body, err := c.exchange(client)
		ts.Check(err)
		switch {
		case status == http.StatusOK:
			if there++; kind != "acknowledged" {
				unanswered++
			}
		case kind == "acknowledged":
			ts.Fatalf("the acknowledged order %s is lost: %d %s", id, status, body)
		default:
			unasked++
		}
	}
	c := call{method: http.MethodGet, url: ts.Getenv("APP_SERVER__PUBLIC_URL") + "/inventory/" + loadProduct, token: accessToken(ts, "admin")}
	var product struct{ Reserved int }
	_, body, err := c.exchange(client)
	ts.Check(err)
	ts.Check(json.Unmarshal(body, &product))
	ts.Logf("%d orders are there, %d of them without an answer; %d were never placed; %d pieces are reserved", there, unanswered, unasked, product.Reserved)
	if unanswered > mayBeLost {
		ts.Fatalf("%d requests were carried out and not answered", unanswered)
	}
	if product.Reserved != there {
		ts.Fatalf("the stock does not agree with the orders: %s", body)
	}
}
