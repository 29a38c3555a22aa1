package internal

import (
	"context"
	"crypto/rand"
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
	placing, err := s.newOrder(ctx, r)
	if err != nil {
		return "", err
	}
	digest := requestDigest(r)
	err = s.Store.Write(ctx, func(tx database.Tx) error {
		existing, found, err := s.placedBefore(tx, placing, r.IdempotencyKey, digest)
		if err != nil {
			return err
		}
		key = existing.key
		if !found {
			key = placing.key
			if err := insertOrder(tx, placing); err != nil {
				return err
			}
			if err := recordEvent(tx, placing, placed, placing.owner, ""); err != nil {
				return err
			}
			if err := putMessage(tx, message{orderKey: key, kind: reserve, revision: placing.revision, by: placing.owner}, placing.createdAt); err != nil {
				return err
			}
		}
		if r.IdempotencyKey == "" {
			return nil
		}
		return saveIdempotencyKey(tx, placing.owner, r.IdempotencyKey, digest, key, placing.createdAt)
	})
	if database.IsUniqueViolation(err) { // another replica placed it in the same moment
		return "", fault.Retryable(time.Second, "The same order was placed at the same moment. Repeat the request.").Because(err)
	}
	return key, err
}

// newOrder is the order that a request asks for.
func (s *Service) newOrder(ctx context.Context, r order.CreateRequest) (orderRow, error) {
	key, err := uuid.NewV7() // sorts in the order of time
	now := s.Now()
	placing := orderRow{
		key: key.String(), id: strings.ToLower(rand.Text()), // 128 random bits: cannot be guessed
		owner: identity.From(ctx).Subject, status: order.StatusPending, version: 1, revision: 1, content: content{r.Name, r.Items},
		repeatable: r.ID != nil || r.IdempotencyKey != "", deadline: now.Add(s.PendingTimeout), createdAt: now, updatedAt: now,
	}
	if r.ID != nil {
		placing.id = *r.ID
	}
	placing.digest = placing.content.digest()
	return placing, err
}

// placedBefore finds the order that an earlier request with the same meaning placed.
func (s *Service) placedBefore(tx database.Tx, placing orderRow, key, digest string) (existing orderRow, found bool, err error) {
	if key != "" {
		if existing, found, err = findByIdempotencyKey(tx, placing.owner, key, digest, placing.createdAt); found || err != nil {
			return existing, found, err
		}
	}
	existing, err = findByID(tx, placing.id)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return orderRow{}, false, nil
	case err != nil || !existing.live():
		return orderRow{}, false, err
	case existing.owner != placing.owner || existing.digest != placing.digest:
		return orderRow{}, false, fault.Conflicting("order-exists", "The id '%s' is taken by another order. Choose another id, or leave it out to get one.", placing.id)
	}
	return existing, true, nil
}

// created answers for the order as it stands now. unsettled is why inventory has not answered, if it has not.
func (s *Service) created(ctx context.Context, key string, unsettled error) (order.Created, error) {
	r, err := database.Read(ctx, s.Store, func(tx database.Tx) (orderRow, error) { return findByKey(tx, key) })
	if err != nil {
		return order.Created{}, err
	}
	switch r.status {
	case order.StatusRejected:
		return order.Created{}, refusedByInventory(r.refusal)
	case order.StatusExpired:
		return order.Created{}, fault.Retryable(retryAfter, "The order '%s' could not be placed in time and was given up; nothing is reserved for it. Send it again.", r.id)
	case order.StatusPending:
		if !r.repeatable {
			return order.Created{}, fault.Retryable(retryAfter, "The order could not be placed in time and is being withdrawn. Send it again.").Because(unsettled)
		}
		return order.Created{}, fault.Retryable(retryAfter, "The order '%s' is pending: the inventory has not answered yet. Repeat the request to hear how it ends.", r.id).Because(unsettled)
	case order.StatusConfirmed, order.StatusFulfilled, order.StatusCancelled: // it was placed, whatever came after
	}
	return order.Created{ID: r.id, Status: fmt.Sprintf("Order '%s' created.", r.id)}, nil
}
