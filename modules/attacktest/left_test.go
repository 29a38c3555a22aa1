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
