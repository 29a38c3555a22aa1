package internal

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"oms/platform/database"
	"oms/platform/fault"
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
}

// putMessage leaves a message about an order for inventory, in place of one that no longer matters. It is due after the lease.
func putMessage(tx database.Tx, r orderRow, kind, by string, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO outbox (order_key, kind, revision, by_subject, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (order_key) DO UPDATE SET kind = excluded.kind, revision = excluded.revision, by_subject = excluded.by_subject,
			created_at = excluded.created_at, due_at = excluded.due_at, attempts = 0, failures = 0, dead = 0, last_error = ''`,
		r.key, kind, r.revision, by, now, now.Add(lease))
	return err
}

// findMessage gives the message of an order; found is false where inventory knows all of it.
func findMessage(tx database.Tx, key string) (m message, found bool, err error) {
	m.orderKey = key
	found, err = database.Found(tx.QueryRow(`SELECT kind, revision, by_subject, attempts, failures FROM outbox WHERE order_key = $1`, key).
		Scan(&m.kind, &m.revision, &m.by, &m.attempts, &m.failures))
	return m, found, err
}

// turnIntoRelease turns a reserve into a release: from now on the order can only expire. A message that is not the same any
// more stays what it is: inventory must not hear of a release that is not in the outbox.
func turnIntoRelease(tx database.Tx, m message, now time.Time) error {
	_, err := tx.Exec(`UPDATE outbox SET kind = $1, due_at = $2, attempts = 0 WHERE order_key = $3 AND kind = $4 AND revision = $5`,
		release, now, m.orderKey, m.kind, m.revision)
	return err
}

const (
	relayInterval = time.Second            // how often due messages are looked for, besides being told of one
	relayBatch    = 100                    // messages looked for at once
	relayWorkers  = 8                      // messages settled at once
	firstBackoff  = 200 * time.Millisecond // doubled with each attempt
	lastBackoff   = 30 * time.Second       // where doubling stops: how late an order can be after inventory is back
	maxFailures   = 10                     // answers with an error of ours, after which a message waits for a restart
)

// Recover makes every message due that an earlier process left behind, dead ones too. Call it once, before the service
// serves: nobody else is settling any then.
func (s *Service) Recover(ctx context.Context) error {
	return s.Store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`UPDATE outbox SET due_at = 0, failures = 0, dead = 0`)
		return err
	})
}

// Relay settles the messages that are due, until ctx ends.
func (s *Service) Relay(ctx context.Context) {
	ticker := time.NewTicker(relayInterval)
	defer ticker.Stop()
	for {
		more, err := s.SettleDue(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "the relay cannot work on its outbox", "cause", err)
		}
		if more && err == nil && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.wake:
		}
	}
}

// Backlog is how much inventory has not been told yet.
type Backlog struct {
	Waiting int64 // messages that are being retried
	Dead    int64 // messages that are given up until the next start: people have to look
}

// Backlog counts what is in the outbox.
func (s *Service) Backlog(ctx context.Context) (Backlog, error) {
	return database.Read(ctx, s.Store, func(tx database.Tx) (b Backlog, err error) {
		err = tx.QueryRow(`SELECT count(*) - coalesce(sum(dead), 0), coalesce(sum(dead), 0) FROM outbox`).Scan(&b.Waiting, &b.Dead)
		return b, err
	})
}

// SettleDue settles messages that are due now, the longest waiting first and each once, and says whether there may be
// more of them. A message that cannot be settled is postponed.
func (s *Service) SettleDue(ctx context.Context) (more bool, err error) {
	keys, err := database.Read(ctx, s.Store, func(tx database.Tx) ([]string, error) {
		return database.Collect(tx, database.Column[string],
			`SELECT order_key FROM outbox WHERE dead = 0 AND due_at <= $1 ORDER BY due_at LIMIT $2`, s.Now(), relayBatch)
	})
	if err != nil {
		return false, err
	}
	var workers errgroup.Group
	workers.SetLimit(relayWorkers)
	for _, key := range keys {
		workers.Go(func() error {
			if err := s.settle(ctx, key, true); err != nil && ctx.Err() == nil {
				return s.postpone(ctx, key, err)
			}
			return nil
		})
	}
	return len(keys) == relayBatch, workers.Wait()
}

// postpone puts a message off after a failed attempt. That inventory is away counts for nothing; that it answers with
// an error again and again means that no repetition will help, and people have to look.
func (s *Service) postpone(ctx context.Context, key string, cause error) error {
	failed, dead := !slices.Contains(temporary, fault.CodeOf(cause)), false
	err := s.Store.Write(ctx, func(tx database.Tx) error {
		m, found, err := findMessage(tx, key)
		if err != nil || !found {
			return err
		}
		dead = failed && m.failures+1 >= maxFailures
		_, err = tx.Exec(`UPDATE outbox SET due_at = $1, attempts = attempts + 1, failures = failures + $2, dead = $3, last_error = $4
			WHERE order_key = $5 AND kind = $6 AND revision = $7`,
			s.Now().Add(backoff(m.attempts)), failed, dead, fault.From(cause).Error(), m.orderKey, m.kind, m.revision)
		return err
	})
	if dead && err == nil {
		s.Log.ErrorContext(ctx, "a message to inventory is given up until the next start", "order_key", key, "cause", cause)
	}
	return err
}

// temporary are the failures that say nothing about the message itself.
var temporary = []fault.Code{fault.Unavailable, fault.DeadlineExceeded, fault.Canceled, fault.RateLimited}

// backoff doubles with each attempt up to its cap; half of it is random, so that messages spread out.
func backoff(attempts int64) time.Duration {
	full := lastBackoff
	if attempts < 8 { // 200 ms doubled eight times is above the cap
		full = min(full, firstBackoff<<attempts)
	}
	return full/2 + rand.N(full/2) //nolint:gosec // spreads load; nobody gains by guessing it
}

// makeDueNow makes the order's message due now and tells the relay.
func (s *Service) makeDueNow(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.Store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`UPDATE outbox SET due_at = $1 WHERE order_key = $2`, s.Now(), key)
		return err
	}); err != nil {
		s.Log.WarnContext(ctx, "a message to inventory waits for its lease to end", "order_key", key, "cause", err)
	}
	select {
	case s.wake <- struct{}{}:
	default: // it has been told already
	}
}
