package internal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
)

// content is what an order is about.
type content struct {
	name  string
	items []order.Item
}

// digest names the content: two requests with the same one ask for the same.
func (c content) digest() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%q\n", c.name)
	for _, item := range c.items {
		fmt.Fprintf(sum, "%q %q %d\n", item.Category, item.Code, item.Qty)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// orderRow is a row of the orders table.
type orderRow struct {
	key, id, owner       string
	status               order.Status
	version, revision    int64
	content              content
	digest               string // of the first request's content
	repeatable           bool
	deadline             time.Time
	refusal              string
	createdAt, updatedAt time.Time
}

const selectOrder = `SELECT key, id, owner, status, version, revision, name, items, digest, repeatable, deadline, refusal, created_at, updated_at FROM orders`

func scanOrder(row database.Row) (orderRow, error) {
	var r orderRow
	var items string
	err := row.Scan(&r.key, &r.id, &r.owner, &r.status, &r.version, &r.revision, &r.content.name, &items, &r.digest,
		&r.repeatable, &r.deadline, &r.refusal, &r.createdAt, &r.updatedAt)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(items), &r.content.items)
}

// findByKey gives the order of an internal key.
func findByKey(tx database.Tx, key string) (orderRow, error) {
	return scanOrder(tx.QueryRow(selectOrder+` WHERE key = $1`, key))
}

// findByID gives the live order of an id, else the newest, else not_found.
func findByID(tx database.Tx, id string) (orderRow, error) {
	r, found, err := database.Find(tx, scanOrder, selectOrder+` WHERE id = $1
		ORDER BY CASE WHEN status IN ('pending', 'confirmed', 'fulfilled') THEN 0 ELSE 1 END, key DESC LIMIT 1`, id)
	if err == nil && !found {
		err = orderNotFound(id)
	}
	return r, err
}

func orderNotFound(id string) error {
	if !order.Create.Rule("id").AllowsText(id) { // not worth repeating
		return fault.New(fault.NotFound, "There is no such order.")
	}
	return fault.New(fault.NotFound, "There is no order '%s'.", id)
}

// live reports whether the order holds its id.
func (r orderRow) live() bool {
	return r.status == order.StatusPending || r.status == order.StatusConfirmed || r.status == order.StatusFulfilled
}

func insertOrder(tx database.Tx, r orderRow) error {
	items, err := json.Marshal(r.content.items)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO orders (key, id, owner, status, version, revision, name, items, digest, repeatable, deadline, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)`,
		r.key, r.id, r.owner, r.status, r.version, r.revision, r.content.name, string(items), r.digest,
		r.repeatable, r.deadline, r.createdAt)
	return err
}

// saveOrder writes what can change of an order, on the condition that nobody else has changed it since it was read.
func saveOrder(tx database.Tx, read, r orderRow) error {
	items, err := json.Marshal(r.content.items)
	if err != nil {
		return err
	}
	return database.ChangeOne(tx, `UPDATE orders SET status = $1, version = $2, revision = $3, name = $4, items = $5, refusal = $6, updated_at = $7
		WHERE key = $8 AND version = $9 AND revision = $10`,
		r.status, r.version, r.revision, r.content.name, string(items), r.refusal, r.updatedAt, read.key, read.version, read.revision)
}

// The kinds of events: one for each transition of an order.
const (
	placed        = "placed"
	confirmed     = "confirmed"
	rejected      = "rejected"
	expired       = "expired"
	updated       = "updated"
	updateRefused = "update-refused"
	cancelled     = "cancelled"
)

// transition changes the order and records the event of it: the version rises by one, and is the event's number.
func transition(tx database.Tx, r *orderRow, to order.Status, kind, by, detail string, at time.Time) error {
	read := *r
	r.status, r.version, r.updatedAt = to, read.version+1, at
	if err := saveOrder(tx, read, *r); err != nil {
		return err
	}
	return recordEvent(tx, *r, kind, by, detail)
}

func recordEvent(tx database.Tx, r orderRow, kind, by, detail string) error {
	_, err := tx.Exec(`INSERT INTO events (order_key, version, at, kind, by_subject, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
		r.key, r.version, r.updatedAt, kind, by, detail)
	return err
}
