package internal

import (
	"time"

	"oms/platform/database"
)

// The kinds of messages.
const (
	reserve = "reserve"
	release = "release"
)

// lease keeps the relay away from a message that a request has just written and settles itself. It is longer than
// the timeout of any operation that writes one.
const lease = 10 * time.Second

// message is what inventory has to be told about an order. There is one per order at most.
type message struct {
	orderKey, kind     string
	revision           int64
	by                 string
	attempts, failures int64
	dead               bool
}

// putMessage leaves a message for inventory, in place of one that no longer matters. It is due after the lease.
func putMessage(tx database.Tx, m message, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO outbox (order_key, kind, revision, by_subject, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (order_key) DO UPDATE SET kind = excluded.kind, revision = excluded.revision, by_subject = excluded.by_subject,
			created_at = excluded.created_at, due_at = excluded.due_at, attempts = 0, failures = 0, dead = 0, last_error = ''`,
		m.orderKey, m.kind, m.revision, m.by, now, now.Add(lease))
	return err
}

// findMessage gives the message of an order; found is false where inventory knows all of it.
func findMessage(tx database.Tx, key string) (m message, found bool, err error) {
	m.orderKey = key
	found, err = database.Found(tx.QueryRow(`SELECT kind, revision, by_subject, attempts, failures, dead FROM outbox WHERE order_key = $1`, key).
		Scan(&m.kind, &m.revision, &m.by, &m.attempts, &m.failures, &m.dead))
	return m, found, err
}

// turnIntoRelease turns a reserve into a release: from now on the order can only expire. A message that is not the same any
// more stays what it is: inventory must not hear of a release that is not in the outbox.
func turnIntoRelease(tx database.Tx, m message, now time.Time) error {
	_, err := tx.Exec(`UPDATE outbox SET kind = $1, due_at = $2, attempts = 0 WHERE order_key = $3 AND kind = $4 AND revision = $5`,
		release, now, m.orderKey, m.kind, m.revision)
	return err
}
