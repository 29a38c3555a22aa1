package internal

import (
	"context"
	"fmt"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Cancel ends a confirmed order. It is cancelled as soon as that is committed; the stock is given back at once where
// inventory answers, and by the relay otherwise.
func (s *Service) Cancel(ctx context.Context, r order.CancelRequest) (order.Cancelled, error) {
	key, err := s.changeOrder(ctx, r.ID, func(tx database.Tx, found orderRow) error {
		return s.cancel(tx, found, identity.From(ctx).Subject)
	})
	if err != nil {
		return order.Cancelled{}, err
	}
	if err := s.settleNow(ctx, key); err != nil {
		s.Log.WarnContext(ctx, "the stock of a cancelled order is given back later", "order", r.ID, "cause", err)
	}
	return order.Cancelled{Status: fmt.Sprintf("Order '%s' removed.", r.ID)}, nil
}

// cancel also drops an update that is under way: the release is the newest word to inventory.
func (s *Service) cancel(tx database.Tx, r orderRow, by string) error {
	switch r.status {
	case order.StatusCancelled:
		return nil
	case order.StatusConfirmed:
	case order.StatusPending, order.StatusFulfilled, order.StatusRejected, order.StatusExpired:
		return illegalTransition(r.id, r.status, "cancelled")
	}
	if err := deleteUpdate(tx, r.key); err != nil {
		return err
	}
	if err := putMessage(tx, message{orderKey: r.key, kind: release, revision: r.revision, by: by}, s.Now()); err != nil {
		return err
	}
	return transition(tx, &r, order.StatusCancelled, cancelled, by, "", s.Now())
}

// changeOrder runs change on the order of an id, in one transaction, and gives the order's key. An order that is still
// pending is settled first: what it becomes decides what may be done to it.
func (s *Service) changeOrder(ctx context.Context, id string, change func(database.Tx, orderRow) error) (string, error) {
	var found orderRow
	attempt := func(tx database.Tx) (err error) {
		if found, err = findByID(tx, id); err != nil || found.status == order.StatusPending {
			return err
		}
		return change(tx, found)
	}
	if err := s.Store.Write(ctx, attempt); err != nil || found.status != order.StatusPending {
		return found.key, err
	}
	var unsettled error
	if found.repeatable { // otherwise only the request that placed it may confirm it
		unsettled = s.settle(ctx, found.key, false)
		if err := s.Store.Write(ctx, attempt); err != nil || found.status != order.StatusPending {
			return found.key, err
		}
	}
	return "", fault.Retryable(retryAfter, "The order '%s' is still being placed. Repeat the request in a moment.", id).Because(unsettled)
}
