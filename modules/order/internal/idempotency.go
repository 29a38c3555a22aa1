package internal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
)

// requestDigest names a whole request to create an order.
func requestDigest(r order.CreateRequest) string {
	id := ""
	if r.ID != nil {
		id = *r.ID
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s", id, digest(r.Name, r.Items)))
	return hex.EncodeToString(sum[:])
}

// findByIdempotencyKey gives the key of the order, or of the refusal, that an earlier request of this owner with this
// idempotency key became; found is false where there is none, or where the order has expired: that was no definite
// answer, so the request is made anew.
func (s *Service) findByIdempotencyKey(tx database.Tx, placing orderRow, r order.CreateRequest) (key string, found bool, err error) {
	var before string
	found, err = database.Found(tx.QueryRow(`SELECT digest, order_key FROM idempotency WHERE owner = $1 AND key = $2 AND created_at > $3`,
		placing.Owner, r.IdempotencyKey, placing.CreatedAt.Add(-s.Retention.Answers)).Scan(&before, &key))
	switch {
	case err != nil || !found:
		return "", false, err
	case before != requestDigest(r):
		return "", false, fault.Invalid(fault.Field{
			Detail: fmt.Sprintf("was used for another request in the last %.0f hours; make a new one for each order", s.Retention.Answers.Hours()),
			Code:   fault.Reused,
			Header: order.KeyHeader,
		})
	}
	found, err = database.Found(tx.QueryRow(`SELECT key FROM orders WHERE key = $1 AND status <> 'expired' UNION ALL SELECT key FROM refusals WHERE key = $1`, key).Scan(&key))
	return key, found, err
}

// maxNames bounds the idempotency keys that name one order: a client makes one for each order and repeats it.
const maxNames = 10

// mayName refuses another key for an order that has enough of them: by its id it could be asked for with ever new ones.
func mayName(tx database.Tx, orderKey string) error {
	var many bool
	err := tx.QueryRow(`SELECT count(*) >= $2 FROM idempotency WHERE order_key = $1`, orderKey, maxNames).Scan(&many)
	if err == nil && many {
		failure := fault.New(fault.RateLimited, "This order was placed already, and %d requests for it came with keys of their own. Repeat one of these, or send it without an Idempotency-Key.", maxNames)
		failure.RetryAfter = laterAgain
		return failure
	}
	return err
}

// saveIdempotencyKey names the request that became an order or a refusal, where it wants to be named.
func saveIdempotencyKey(tx database.Tx, placing orderRow, r order.CreateRequest, key string) error {
	if r.IdempotencyKey == "" {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO idempotency (owner, key, digest, order_key, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (owner, key) DO UPDATE SET digest = excluded.digest, order_key = excluded.order_key, created_at = excluded.created_at
		WHERE idempotency.order_key <> excluded.order_key`, // its time begins with the first request
		placing.Owner, r.IdempotencyKey, requestDigest(r), key, *placing.CreatedAt)
	return err
}
