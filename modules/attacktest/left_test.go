package attacktest

import (
	"fmt"
	"strings"
	"testing"
)

// What is refused leaves nothing behind: no row and no file. How much an honest order takes is in honestDisk.
func TestRefusalsLeaveNothing(t *testing.T) {
	run(t, []attack{
		{name: "orders of a product that is not there", users: true, send: requests("bob", "POST", at("/order"), func(i int) string {
			return fmt.Sprintf(`{"id":"refused-%d","name":"n","items":[{"category":"none","code":"none","qty":1}]}`, i)
		})},
		{name: "large orders of products that are not there", users: true, send: requests("bob", "POST", at("/order"), func(int) string { return largeRefusal() })},
		{name: "orders of more than there is", users: true, send: requests("bob", "POST", at("/order"), func(int) string {
			return `{"name":"n","items":[{"category":"books","code":"978-1617295959","qty":1000000}]}`
		})},
		{name: "orders that are not valid", users: true, send: requests("bob", "POST", at("/order"), func(int) string { return `{"name":"","items":[]}` })},
		{name: "cancellations of what is not there", users: true, send: requests("admin", "DELETE", func(i int) string { return fmt.Sprintf("/order/none-%d", i) }, nothing)},
	})
}

// largeRefusal is an order of as many products as there can be, with the longest names, none of which is there.
func largeRefusal() string {
	items, long := "", strings.Repeat("\U0001f600", 60)
	for i := range 100 {
		items += fmt.Sprintf(`{"category":"none-%s","code":"%s-%d","qty":1},`, long[:200], long, i)
	}
	return fmt.Sprintf(`{"name":"n","items":[%s]}`, items[:len(items)-1])
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
		many(times, 8, func(i int) {
			status, _ := a.send(client, user, method, path(i), body(i))
			got.add(status)
		})
		a.honest.goOn(3)
		return fmt.Sprintf("%d times %s %.40s, answered %v", times, method, path(0), got.counts)
	}
}
