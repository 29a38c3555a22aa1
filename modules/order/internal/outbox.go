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

// takeMessage removes the message, if it is still the same: whoever takes it records inventory's answer.
func takeMessage(tx database.Tx, m message) (taken bool, err error) {
	removed, err := tx.Exec(`DELETE FROM outbox WHERE order_key = $1 AND kind = $2 AND revision = $3`, m.orderKey, m.kind, m.revision)
	return removed == 1, err
}

// turnIntoRelease turns a reserve into a release: from now on the order can only expire. A message that is not the same any
// more stays what it is: inventory must not hear of a release that is not in the outbox.
func turnIntoRelease(tx database.Tx, m message, now time.Time) error {
	_, err := tx.Exec(`UPDATE outbox SET kind = $1, due_at = $2, attempts = 0 WHERE order_key = $3 AND kind = $4 AND revision = $5`,
		release, now, m.orderKey, m.kind, m.revision)
	return err
}

// postpone records a failed attempt. failed counts it against the message: inventory answered, with an error.
func postpone(tx database.Tx, m message, due time.Time, failed, dead bool, lastError string) error {
	_, err := tx.Exec(`UPDATE outbox SET due_at = $1, attempts = attempts + 1, failures = failures + $2, dead = $3, last_error = $4
		WHERE order_key = $5 AND kind = $6 AND revision = $7`,
		due, failed, dead, lastError, m.orderKey, m.kind, m.revision)
	return err
}

// makeAllDue makes every message due, dead ones too: at a start nobody else is settling any.
func makeAllDue(tx database.Tx) error {
	_, err := tx.Exec(`UPDATE outbox SET due_at = 0, failures = 0, dead = 0`)
	return err
}

// Backlog is how much inventory has not been told yet.
type Backlog struct {
	Waiting int64 // messages that are being retried
	Dead    int64 // messages that are given up until the next start: people have to look
}

func countMessages(tx database.Tx) (b Backlog, err error) {
	err = tx.QueryRow(`SELECT count(*), coalesce(sum(dead), 0) FROM outbox`).Scan(&b.Waiting, &b.Dead)
	b.Waiting -= b.Dead
	return b, err
}

// dueMessages gives the keys of the orders whose message is due, the longest waiting first.
func dueMessages(tx database.Tx, now time.Time, limit int) (keys []string, err error) {
	return database.Collect(tx, database.Column[string],
		`SELECT order_key FROM outbox WHERE dead = 0 AND due_at <= $1 ORDER BY due_at LIMIT $2`, now, limit)
}
