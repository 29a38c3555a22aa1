package attacktest

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"oms/modules/systemtest"
)

// Sign-ins at once, more than can be answered: those in the queue get their answers, right and wrong ones, and the others are told
// at once when to come back. Whoever uses the installation meanwhile notices nothing.
func TestSignInsAtOnce(t *testing.T) {
	run(t, []attack{
		{name: "sign-ins at once", send: func(a *assault) string { return a.signIns(either(150, 1000), a.signIn) }},
		{name: "sign-ins with long passwords at once", send: func(a *assault) string {
			return a.signIns(either(150, 1000), func(client *http.Client, i int) (status int, right bool) {
				status, _ = a.send(client, "", "POST", "/oauth2/sign-in", fmt.Sprintf("name=m%d&password=%08000d", i, i))
				return status, false
			})
		}},
	})
}

// signIn is one attempt: every twentieth is bob's own.
func (a *assault) signIn(client *http.Client, i int) (status int, right bool) {
	form := fmt.Sprintf("name=m%d&password=a+guess", i)
	if right = i%20 == 0; right {
		form = "name=bob&password=bob-demo"
	}
	status, _ = a.send(client, "", "POST", "/oauth2/sign-in", form)
	return status, right
}

// fromEach is how many attempts at once come from one address: fewer than that may make.
const fromEach = 10

// signIns makes so many attempts at once, from many addresses.
func (a *assault) signIns(attempts int, attempt func(client *http.Client, i int) (status int, right bool)) string {
	clients := make([]*http.Client, attempts/fromEach)
	for i := range clients {
		clients[i] = a.client(stranger(i), true)
		defer clients[i].CloseIdleConnections()
	}
	many(len(clients), 25, func(i int) { a.send(clients[i], "", "GET", "/oauth2/sign-in", "") }) // the handshakes come before
	var all, rights statuses
	var under sync.WaitGroup
	for i := range attempts {
		under.Go(func() {
			status, right := attempt(clients[i/fromEach], i)
			if all.add(status); right {
				rights.add(status)
			}
			switch status {
			case http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable:
			case http.StatusSeeOther:
				if !right {
					a.t.Errorf("attempt %d signed in", i)
				}
			default:
				a.t.Errorf("attempt %d: %d", i, status)
			}
		})
	}
	under.Wait()
	if answered := all.counts[http.StatusSeeOther] + all.counts[http.StatusUnprocessableEntity]; answered == 0 {
		a.t.Errorf("of %d attempts none was answered: %v", attempts, all.counts)
	}
	after := a.client(stranger(attempts), true)
	defer after.CloseIdleConnections()
	if !systemtest.Eventually(settles, func() bool { status, _ := a.signIn(after, 0); return status == http.StatusSeeOther }) {
		a.t.Error("nobody can sign in afterwards")
	}
	return fmt.Sprintf("%d sign-ins at once from %d addresses: %v; of the right ones %v", attempts, len(clients), all.counts, rights.counts)
}
