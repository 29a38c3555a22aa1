package internal

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// retryAfter is when a client should ask again about what inventory has not answered: the relay has tried by then.
const retryAfter = 2 * time.Second

// Create places an order: pending, then reserved by inventory, then confirmed. What inventory does not have is refused
// before anything is stored.
func (s *Service) Create(ctx context.Context, r order.CreateRequest) (order.Created, error) {
	placing, err := s.newOrder(ctx, r)
	if err != nil {
		return order.Created{}, err
	}
	short, unknown := s.check(ctx, "", r.Items)
	if unknown != nil && !placing.repeatable { // nobody could ask what became of it
		return order.Created{}, fault.Retryable(retryAfter, "The order could not be placed, since the inventory has not answered; nothing is reserved for it. Send it again.").Because(unknown)
	}
	key, err := s.place(ctx, placing, r, short)
	if err != nil {
		return order.Created{}, err
	}
	unsettled := s.settleNow(ctx, key)
	created, err := s.created(ctx, key, unsettled)
	if err == nil && r.Show {
		created.Order = s.shown(ctx, key)
	}
	return created, err
}

// newOrder is the pending order that a request asks for.
func (s *Service) newOrder(ctx context.Context, r order.CreateRequest) (orderRow, error) {
	now, random := s.Now(), rand.Text() // 128 random bits: cannot be guessed
	fresh, err := uuid.NewV7()          // sorts in the order of time
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
	return placing, err
}

// place commits the pending order and the message to reserve its items, or finds what an earlier request with the same
// meaning became, also where there is no room for another one. Where inventory was short, only that is looked for, and a
// refusal is kept where a key names the request.
func (s *Service) place(ctx context.Context, placing orderRow, r order.CreateRequest, short []inventory.Problem) (key string, err error) {
	full := s.Store.Room()
	work := func(tx database.Tx) (err error) {
		var found bool
		if key, found, err = s.placedBefore(tx, placing, r); err != nil {
			return err
		}
		switch {
		case found:
		case full != nil && (len(short) == 0 || r.IdempotencyKey != ""):
			err = full
		case len(short) == 0:
			key, err = placing.key, s.insertPending(tx, placing)
		case r.IdempotencyKey != "":
			key, err = placing.key, rememberRefusal(tx, placing, short)
		default:
			err = refusedByInventory(short)
		}
		if err != nil {
			return err
		}
		return saveIdempotencyKey(tx, placing, r, key)
	}
	if len(short) > 0 && r.IdempotencyKey == "" { // nothing is stored, whatever is found
		err = s.Store.Read(ctx, work)
		return key, err
	}
	err = s.Store.Write(ctx, work)
	if database.IsUniqueViolation(err) { // another replica placed it in the same moment
		return "", fault.Retryable(time.Second, "The same order was placed at the same moment. Repeat the request.").Because(err)
	}
	return key, err
}

// insertPending stores a new order with its first event and the message to reserve its items.
func (s *Service) insertPending(tx database.Tx, placing orderRow) error {
	if err := s.addLive(tx, placing.Owner); err != nil {
		return err
	}
	if err := insertOrder(tx, placing); err != nil {
		return err
	}
	if err := recordEvent(tx, placing, placed, placing.Owner, ""); err != nil {
		return err
	}
	return putMessage(tx, placing, reserve, placing.Owner, *placing.CreatedAt)
}

// placedBefore finds the order, or the refusal, that an earlier request with the same meaning became.
func (s *Service) placedBefore(tx database.Tx, placing orderRow, r order.CreateRequest) (key string, found bool, err error) {
	if r.IdempotencyKey != "" {
		if key, found, err = s.findByIdempotencyKey(tx, placing, r); found || err != nil {
			return key, found, err
		}
	}
	existing, found, err := findLive(tx, placing.ID)
	switch {
	case err != nil || !found:
		return "", false, err
	case existing.Owner != placing.Owner || existing.digest != placing.digest:
		return "", false, fault.Conflicting(order.OrderExists, "The id '%s' is taken by another order. Choose another id, or leave it out to get one.", placing.ID)
	}
	if r.IdempotencyKey != "" {
		err = mayName(tx, existing.key)
	}
	return existing.key, err == nil, err
}

// created answers for the order as it stands now. unsettled is why inventory has not answered, if it has not.
func (s *Service) created(ctx context.Context, key string, unsettled error) (order.Created, error) {
	var short []inventory.Problem
	r, err := database.Read(ctx, s.Store, func(tx database.Tx) (r orderRow, err error) {
		if short, err = findRefusal(tx, key); err != nil || short != nil {
			return r, err
		}
		return findByKey(tx, key)
	})
	switch {
	case err != nil:
		return order.Created{}, err
	case short != nil:
		return order.Created{}, refusedByInventory(short)
	}
	switch r.Status {
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
