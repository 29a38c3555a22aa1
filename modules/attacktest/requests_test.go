package attacktest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"oms/modules/systemtest"
)

// ask makes one request on a connection of its own.
func (d *deployment) ask(from, user, method, path, body string) (status int, text string) {
	client := d.client(from, false)
	defer client.CloseIdleConnections()
	return d.send(client, user, method, path, body)
}

// send makes one request. The status is 0 where there was no answer.
func (d *deployment) send(client *http.Client, user, method, path, body string) (status int, text string) {
	answer, err := d.fetch(client, user, method, path, body)
	if err != nil {
		return answer.Status, err.Error()
	}
	return answer.Status, answer.Body
}

// fetch is the same with all of the answer.
func (d *deployment) fetch(client *http.Client, user, method, path, body string) (systemtest.Reply, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, d.url()+path, strings.NewReader(body))
	if err != nil {
		return systemtest.Reply{}, err
	}
	media := "application/json"
	if strings.HasPrefix(path, "/oauth2/") {
		media = "application/x-www-form-urlencoded"
	}
	r.Header.Set("Content-Type", media)
	if user != "" {
		token := d.tokens[user]
		if token == "" {
			token = user // a token that is none
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return systemtest.Fetch(client, r)
}

// many does something so often, from so many at once.
func many(times, atOnce int, once func(i int)) {
	var next int
	var mu sync.Mutex
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := take(); i < times; i = take() {
				once(i)
			}
		})
	}
	workers.Wait()
}

// keepOn does something so often, and in the long form again and again, while the honest clients go on. It gives how often.
func (a *assault) keepOn(times, atOnce int, once func(i int)) (all int) {
	over := make(chan struct{})
	go func() {
		a.lasts()
		close(over)
	}()
	for {
		many(times, atOnce, func(i int) { once(all + i) })
		all += times
		if !long {
			<-over
		}
		select {
		case <-over:
			return all
		default:
		}
	}
}

// statuses counts answers.
type statuses struct {
	mu     sync.Mutex
	counts map[int]int
}

func (s *statuses) add(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[int]int{}
	}
	s.counts[status]++
}

// head is the head of an HTTP/1.1 request.
func (d *deployment) head(user, method, path string, headers ...string) []byte {
	if user != "" {
		headers = append(headers, "Authorization: Bearer "+d.tokens[user])
	}
	return []byte(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", method, path, strings.Join(append([]string{"Content-Type: application/json"}, headers...), "\r\n")))
}

// at is always the same path, and nothing never a body.
func at(path string) func(int) string { return func(int) string { return path } }

func nothing(int) string { return "" }

// requests sends requests of a user, or of nobody, from a few clients.
func requests(user, method string, path, body func(i int) string) func(a *assault) string {
	return func(a *assault) string {
		times, got := either(300, 5000), statuses{}
		client := a.client(attackersAddress, true)
		defer client.CloseIdleConnections()
		times = a.keepOn(times, 8, func(i int) {
			status, _ := a.send(client, user, method, path(i), body(i))
			got.add(status)
		})
		return fmt.Sprintf("%d times %s %.40s, answered %v", times, method, path(0), got.counts)
	}
}
