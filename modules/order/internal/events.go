package internal

import (
	"time"

	"oms/modules/order"
	"oms/platform/database"
)

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
