package internal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
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
	if problems := append(checkID(r.ID), checkContent(r.Name, r.Items)...); problems != nil {
		return order.Created{}, fault.Invalid(problems...)
	}
	key, err := s.place(ctx, r)
	if err != nil {
		return order.Created{}, err
	}
	unsettled := s.settleNow(ctx, key)
	return s.created(ctx, key, unsettled)
}

// place commits the pending order and the message to reserve its items, or finds the live order that an earlier
// request of the same owner with the same content placed.
func (s *Service) place(ctx context.Context, r order.CreateRequest) (string, error) {
	key, err := uuid.NewV7() // sorts in the order of time
	if err != nil {
		return "", err
	}
	now := s.Now()
	placing := record{
		key: key.String(), owner: identity.From(ctx).Subject, status: order.StatusPending, version: 1, revision: 1,
		content: content{r.Name, r.Items}, repeatable: r.ID != nil, deadline: now.Add(s.PendingTimeout), createdAt: now, updatedAt: now,
	}
	placing.digest = placing.content.digest()
	if r.ID != nil {
		placing.id = *r.ID
	} else {
		placing.id = strings.ToLower(rand.Text()) // 128 random bits: cannot be guessed
	}
	found := placing.key
	err = s.Store.Write(ctx, func(tx database.Tx) error {
		found = placing.key
		existing, err := findByID(tx, placing.id)
		switch {
		case err == nil && existing.live():
			if existing.owner != placing.owner || existing.digest != placing.digest {
				return fault.Conflicting("order-exists", "The id '%s' is taken by another order. Choose another id, or leave it out to get one.", placing.id)
			}
			found = existing.key
			return nil
		case err != nil && fault.CodeOf(err) != fault.NotFound:
			return err
		}
		if err := insertOrder(tx, placing); err != nil {
			return err
		}
		if err := recordEvent(tx, placing, placed, placing.owner, ""); err != nil {
			return err
		}
		return putMessage(tx, message{orderKey: placing.key, kind: reserve, revision: placing.revision, by: placing.owner}, now)
	})
	if database.IsUniqueViolation(err) { // another replica placed it in the same moment
		return "", fault.Retryable(time.Second, "The same order was placed at the same moment. Repeat the request.").Because(err)
	}
	return found, err
}

// created answers for the order as it stands now. unsettled is why inventory has not answered, if it has not.
func (s *Service) created(ctx context.Context, key string, unsettled error) (order.Created, error) {
	r, err := s.find(ctx, key)
	if err != nil {
		return order.Created{}, err
	}
	switch r.status {
	case order.StatusRejected:
		return order.Created{}, refusal(r.refusal)
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

// find reads the order of a key. It outlives the caller's deadline by a moment, so that what happened can be told.
func (s *Service) find(ctx context.Context, key string) (r record, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	err = s.Store.Read(ctx, func(tx database.Tx) error {
		r, err = findByKey(tx, key)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.New(fault.Internal, "An order that was just written cannot be found.")
	}
	return r, err
}
