package internal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
)

// keyLifetime is how long an idempotency key names its request.
const keyLifetime = 24 * time.Hour

// requestDigest names a whole request to create an order.
func requestDigest(r order.CreateRequest) string {
	id := ""
	if r.ID != nil {
		id = *r.ID
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s", id, content{r.Name, r.Items}.digest()))
	return hex.EncodeToString(sum[:])
}

// findByIdempotencyKey gives the order that an earlier request of this owner with this key placed; found is false where there is
// none, or where it has expired: that was no definite answer, so the request is made anew.
func findByIdempotencyKey(tx database.Tx, owner, key, digest string, now time.Time) (existing orderRow, found bool, err error) {
	var before, orderKey string
	found, err = database.Found(tx.QueryRow(`SELECT digest, order_key FROM idempotency WHERE owner = $1 AND key = $2 AND created_at > $3`,
		owner, key, now.Add(-keyLifetime)).Scan(&before, &orderKey))
	switch {
	case err != nil || !found:
		return existing, false, err
	case before != digest:
		return existing, false, fault.Invalid(fault.Field{
			Detail: "was used for another request in the last 24 hours; make a new one for each order", Pointer: "/idempotency_key",
		})
	}
	existing, err = findByKey(tx, orderKey)
	return existing, err == nil && existing.status != order.StatusExpired, err
}

// saveIdempotencyKey names the request that placed an order, and forgets what is too old.
func saveIdempotencyKey(tx database.Tx, owner, key, digest, orderKey string, now time.Time) error {
	if _, err := tx.Exec(`DELETE FROM idempotency WHERE created_at <= $1`, now.Add(-keyLifetime)); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO idempotency (owner, key, digest, order_key, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (owner, key) DO UPDATE SET digest = excluded.digest, order_key = excluded.order_key, created_at = excluded.created_at
		WHERE idempotency.order_key <> excluded.order_key`, // the day begins with the first request
		owner, key, digest, orderKey, now)
	return err
}
