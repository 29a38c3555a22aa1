package internal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// retryAfter is when a client should ask again about what inventory has not answered: the relay has tried by then.
const retryAfter = 2 * time.Second

// Create places an order: pending, then reserved by inventory, then confirmed.
func (s *Service) Create(ctx context.Context, r order.CreateRequest) (order.Created, error) {
	key, err := s.place(ctx, r)
	if err != nil {
		return order.Created{}, err
	}
	unsettled := s.settleNow(ctx, key)
	return s.created(ctx, key, unsettled)
}

// place commits the pending order and the message to reserve its items, or finds the order that an earlier request
// placed: one with the same idempotency key, or with the id of a live order, of the same owner and content.
func (s *Service) place(ctx context.Context, r order.CreateRequest) (key string, err error) {
	now, random := s.Now(), rand.Text() // 128 random bits: cannot be guessed
	fresh, err := uuid.NewV7()          // sorts in the order of time
	if err != nil {
		return "", err
	}
	placing := orderRow{
		Order: order.Order{
			ID: strings.ToLower(random), Name: r.Name, Items: r.Items, Status: order.StatusPending,
			Owner: identity.From(ctx).Subject, Version: 1, CreatedAt: &now, UpdatedAt: &now,
		},
		key: fresh.String(), revision: 1, digest: digest(r.Name, r.Items), repeatable: r.ID != nil || r.IdempotencyKey != "", deadline: now.Add(s.PendingTimeout),
	}
	if r.ID != nil {
		placing.ID = *r.ID
	}
	err = s.Store.Write(ctx, func(tx database.Tx) error {
		existing, found, err := placedBefore(tx, placing, r)
		if err != nil {
			return err
		}
		key = existing.key
		if !found {
			key = placing.key
			if err := insertOrder(tx, placing); err != nil {
				return err
			}
			if err := recordEvent(tx, placing, placed, placing.Owner, ""); err != nil {
				return err
			}
			if err := putMessage(tx, placing, reserve, placing.Owner, now); err != nil {
				return err
			}
		}
		return saveIdempotencyKey(tx, placing, r, key)
	})
	if database.IsUniqueViolation(err) { // another replica placed it in the same moment
		return "", fault.Retryable(time.Second, "The same order was placed at the same moment. Repeat the request.").Because(err)
	}
	return key, err
}

// placedBefore finds the order that an earlier request with the same meaning placed.
func placedBefore(tx database.Tx, placing orderRow, r order.CreateRequest) (existing orderRow, found bool, err error) {
	if r.IdempotencyKey != "" {
		if existing, found, err = findByIdempotencyKey(tx, placing, r); found || err != nil {
			return existing, found, err
		}
	}
	existing, err = findByID(tx, placing.ID)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return orderRow{}, false, nil
	case err != nil || !existing.live():
		return orderRow{}, false, err
	case existing.Owner != placing.Owner || existing.digest != placing.digest:
		return orderRow{}, false, fault.Conflicting("order-exists", "The id '%s' is taken by another order. Choose another id, or leave it out to get one.", placing.ID)
	}
	return existing, true, nil
}

// created answers for the order as it stands now. unsettled is why inventory has not answered, if it has not.
func (s *Service) created(ctx context.Context, key string, unsettled error) (order.Created, error) {
	r, err := database.Read(ctx, s.Store, func(tx database.Tx) (orderRow, error) { return findByKey(tx, key) })
	if err != nil {
		return order.Created{}, err
	}
	switch r.Status {
	case order.StatusRejected:
		return order.Created{}, refusedByInventory(r.refusal)
	case order.StatusExpired:
		return order.Created{}, fault.Retryable(retryAfter, "The order '%s' could not be placed in time and was given up; nothing is reserved for it. Send it again.", r.ID)
	case order.StatusPending:
		if !r.repeatable {
			return order.Created{}, fault.Retryable(retryAfter, "The order could not be placed in time and is being withdrawn. Send it again.").Because(unsettled)
		}
		return order.Created{}, fault.Retryable(retryAfter, "The order '%s' is pending: the inventory has not answered yet. Repeat the request to hear how it ends.", r.ID).Because(unsettled)
	case order.StatusConfirmed, order.StatusFulfilled, order.StatusCancelled: // it was placed, whatever came after
	}
	return order.Created{ID: r.ID, Status: fmt.Sprintf("Order '%s' created.", r.ID)}, nil
}

// keyLifetime is how long an idempotency key names its request.
const keyLifetime = 24 * time.Hour

// requestDigest names a whole request to create an order.
func requestDigest(r order.CreateRequest) string {
	id := ""
	if r.ID != nil {
		id = *r.ID
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s", id, digest(r.Name, r.Items)))
	return hex.EncodeToString(sum[:])
}

// findByIdempotencyKey gives the order that an earlier request of this owner with this key placed; found is false where there is
// none, or where it has expired: that was no definite answer, so the request is made anew.
func findByIdempotencyKey(tx database.Tx, placing orderRow, r order.CreateRequest) (existing orderRow, found bool, err error) {
	var before, orderKey string
	found, err = database.Found(tx.QueryRow(`SELECT digest, order_key FROM idempotency WHERE owner = $1 AND key = $2 AND created_at > $3`,
		placing.Owner, r.IdempotencyKey, placing.CreatedAt.Add(-keyLifetime)).Scan(&before, &orderKey))
	switch {
	case err != nil || !found:
		return existing, false, err
	case before != requestDigest(r):
		return existing, false, fault.Invalid(fault.Field{
			Detail: "was used for another request in the last 24 hours; make a new one for each order", Pointer: "/idempotency_key",
		})
	}
	existing, err = findByKey(tx, orderKey)
	return existing, err == nil && existing.Status != order.StatusExpired, err
}

// saveIdempotencyKey names the request that placed an order, where it wants to be named, and forgets what is too old.
func saveIdempotencyKey(tx database.Tx, placing orderRow, r order.CreateRequest, orderKey string) error {
	if r.IdempotencyKey == "" {
		return nil
	}
	if _, err := tx.Exec(`DELETE FROM idempotency WHERE created_at <= $1`, placing.CreatedAt.Add(-keyLifetime)); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO idempotency (owner, key, digest, order_key, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (owner, key) DO UPDATE SET digest = excluded.digest, order_key = excluded.order_key, created_at = excluded.created_at
		WHERE idempotency.order_key <> excluded.order_key`, // the day begins with the first request
		placing.Owner, r.IdempotencyKey, requestDigest(r), orderKey, *placing.CreatedAt)
	return err
}
