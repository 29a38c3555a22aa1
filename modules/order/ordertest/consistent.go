package ordertest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"oms/modules/order"
	"oms/platform/database"
)

type product struct{ Category, Code string }

// MustAgree fails where orders and stock disagree, once everything is settled: it reads both databases and holds
// every invariant that can be seen from outside against them.
func MustAgree(t testing.TB, orders, stock database.Store) {
	t.Helper()
	ordered := confirmedLines(t, orders)
	reserved := liveLines(t, stock)
	if diff := cmp.Diff(ordered, reserved); diff != "" {
		t.Error("lines of confirmed orders (-) and of live reservations (+), by key:", diff)
	}
	count(t, stock, 0, "products whose reserved count is not the sum of the live lines", `SELECT count(*) FROM products p WHERE reserved <>
		(SELECT coalesce(sum(quantity), 0) FROM reservation_lines l WHERE l.category = p.category AND l.code = p.code)`)
	count(t, stock, 0, "products whose stock is not the opening and the movements", `SELECT count(*) FROM products p WHERE on_hand - opening <>
		(SELECT coalesce(sum(on_hand), 0) FROM movements m WHERE m.category = p.category AND m.code = p.code)
		OR reserved <> (SELECT coalesce(sum(reserved), 0) FROM movements m WHERE m.category = p.category AND m.code = p.code)`)
	count(t, stock, 0, "products with a count out of its bounds", `SELECT count(*) FROM products WHERE reserved < 0 OR reserved > on_hand`)
	count(t, orders, 0, "messages left in the outbox", `SELECT count(*) FROM outbox`)
	count(t, orders, 0, "pending orders", `SELECT count(*) FROM orders WHERE status = 'pending'`)
	count(t, orders, 0, "owners whose live orders are counted wrongly", `SELECT count(*) FROM
		(SELECT owner, count(*) AS live FROM orders WHERE status IN ('pending', 'confirmed', 'fulfilled') GROUP BY owner) o
		FULL JOIN owners c ON c.owner = o.owner WHERE o.live IS NULL OR c.live IS NULL OR o.live <> c.live`)
	count(t, orders, 0, "ids with two live orders", `SELECT count(*) FROM (SELECT id FROM orders WHERE status IN ('pending', 'confirmed', 'fulfilled') GROUP BY id HAVING count(*) > 1) AS twice`)
	count(t, stock, 0, "live reservations that have lost a movement", `SELECT count(*) FROM reservation_lines l WHERE quantity <>
		(SELECT coalesce(sum(reserved), 0) FROM movements m WHERE m.reservation = l.key AND m.category = l.category AND m.code = l.code)`)
	count(t, orders, 0, "updates that wait without a message", `SELECT count(*) FROM updates WHERE order_key NOT IN (SELECT order_key FROM outbox)`)
	count(t, orders, 0, "orders whose version is not the number of their events", `SELECT count(*) FROM orders o WHERE version <>
		(SELECT count(*) FROM events e WHERE e.order_key = o.key) OR version <> (SELECT max(version) FROM events e WHERE e.order_key = o.key)`)
}

func read(t testing.TB, store database.Store, work func(database.Tx) error) {
	t.Helper()
	if err := store.Read(context.Background(), work); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, store database.Store, want int, what, query string) {
	t.Helper()
	read(t, store, func(tx database.Tx) error {
		var got int
		if err := tx.QueryRow(query).Scan(&got); err != nil {
			return err
		}
		if got != want {
			t.Errorf("%d %s, want %d", got, what, want)
		}
		return nil
	})
}

// confirmedLines are the items of the orders that hold stock, summed by product.
func confirmedLines(t testing.TB, orders database.Store) map[string]map[product]int64 {
	t.Helper()
	lines := map[string]map[product]int64{}
	read(t, orders, func(tx database.Tx) error {
		rows, err := tx.Query(`SELECT key, items FROM orders WHERE status = 'confirmed'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key, text string
			if err := rows.Scan(&key, &text); err != nil {
				return err
			}
			var items []order.Item
			if err := json.Unmarshal([]byte(text), &items); err != nil {
				return err
			}
			lines[key] = map[product]int64{}
			for _, item := range items {
				lines[key][product{item.Category, item.Code}] += item.Qty
			}
		}
		return rows.Err()
	})
	return lines
}

// liveLines are the lines of live reservations.
func liveLines(t testing.TB, stock database.Store) map[string]map[product]int64 {
	t.Helper()
	lines := map[string]map[product]int64{}
	read(t, stock, func(tx database.Tx) error {
		rows, err := tx.Query(`SELECT r.key, l.category, l.code, l.quantity FROM reservations r JOIN reservation_lines l ON l.key = r.key WHERE r.state = 'live'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			var id product
			var quantity int64
			if err := rows.Scan(&key, &id.Category, &id.Code, &quantity); err != nil {
				return err
			}
			if lines[key] == nil {
				lines[key] = map[product]int64{}
			}
			lines[key][id] = quantity
		}
		return rows.Err()
	})
	return lines
}
