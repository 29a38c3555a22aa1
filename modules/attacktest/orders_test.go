package attacktest

import (
	"fmt"
	"strings"
)

// fillWithOrders places a full page of orders as large as can be, once.
func (d *deployment) fillWithOrders(user string) {
	if _, page := d.ask(attackersAddress, user, "GET", "/order?limit=1", ""); strings.Contains(page, `"has_more":true`) {
		return
	}
	client := d.client(attackersAddress, true)
	defer client.CloseIdleConnections()
	body := largeOrder(100)
	placed := statuses{}
	many(110, 4, func(int) {
		status, text := d.send(client, user, "POST", "/order", body)
		if placed.add(status); status != 201 && status != 429 && status != 503 {
			d.t.Errorf("%d %s", status, text)
		}
	})
	d.t.Logf("orders of %d bytes were placed: %v", len(body), placed.counts)
}

// largeOrder has so many lines, and a name as long as it can be.
func largeOrder(lines int) string {
	items := strings.Repeat(`{"category":"electronics","code":"SOWH1000XM4","qty":1},`, lines)
	return fmt.Sprintf(`{"name":%q,"items":[%s]}`, strings.Repeat("\U0001f600", 200), strings.TrimSuffix(items, ","))
}
