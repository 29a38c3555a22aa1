package internal

import (
	"cmp"
	"context"
	"fmt"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// changeOrder runs change on the order of an id, in one transaction, and gives the order's key. An order that is still
// pending is settled first: what it becomes decides what may be done to it.
func (s *Service) changeOrder(ctx context.Context, id string, change func(database.Tx, orderRow) error) (string, error) {
	var found orderRow
	attempt := func(tx database.Tx) (err error) {
		if found, err = findToChange(tx, id, identity.From(ctx).Subject); err != nil || found.Status == order.StatusPending {
			return err
		}
		return change(tx, found)
	}
	if err := s.Store.Write(ctx, attempt); err != nil || found.Status != order.StatusPending {
		return found.key, err
	}
	var unsettled error
	if found.repeatable { // otherwise only the request that placed it may confirm it
		unsettled = s.settle(ctx, found.key, false)
		if err := s.Store.Write(ctx, attempt); err != nil || found.Status != order.StatusPending {
			return found.key, err
		}
	}
	return "", fault.Retryable(retryAfter, "The order '%s' is still being placed. Repeat the request in a moment.", id).Because(unsettled)
}

func illegalTransition(id string, status order.Status, what string) error {
	return fault.Conflicting(order.IllegalTransition, "The order '%s' is %s and cannot be %s.", id, status, what)
}

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
	answer := order.Cancelled{Status: fmt.Sprintf("Order '%s' removed.", r.ID)}
	if r.Show {
		answer.Order = s.shown(ctx, key)
	}
	return answer, nil
}

// cancel also drops an update that is under way: the release is the newest word to inventory.
func (s *Service) cancel(tx database.Tx, r orderRow, by string) error {
	switch r.Status {
	case order.StatusCancelled:
		return nil
	case order.StatusConfirmed:
	case order.StatusPending, order.StatusFulfilled, order.StatusExpired:
		return illegalTransition(r.ID, r.Status, "cancelled")
	}
	if err := deleteUpdate(tx, r.key); err != nil {
		return err
	}
	if err := putMessage(tx, r, release, by, s.Now()); err != nil {
		return err
	}
	return transition(tx, r, order.StatusCancelled, cancelled, by, "", s.Now())
}

// Update replaces the content of a confirmed order, once inventory has swapped what it holds. What inventory does not have
// is refused before anything is stored.
func (s *Service) Update(ctx context.Context, r order.UpdateRequest) (order.Updated, error) {
	if err := s.judgeUpdate(ctx, r); err != nil {
		return order.Updated{}, err
	}
	var outcome int64
	full := s.Store.Room()
	key, err := s.changeOrder(ctx, r.ID, func(tx database.Tx, found orderRow) (err error) {
		outcome, err = s.beginUpdate(tx, found, r, identity.From(ctx).Subject, full)
		return err
	})
	if err == nil && outcome > 0 {
		err = s.updateOutcome(ctx, r.ID, key, outcome, s.settleNow(ctx, key))
	}
	if err != nil {
		return order.Updated{}, err
	}
	answer := order.Updated{Status: fmt.Sprintf("Order '%s' updated.", r.ID)}
	if r.Show {
		answer.Order = s.shown(ctx, key)
	}
	return answer, nil
}

// judgeUpdate refuses an update that would begin now and that inventory does not have the items for. What it cannot judge
// passes.
func (s *Service) judgeUpdate(ctx context.Context, wanted order.UpdateRequest) error {
	begins := false
	found, err := database.Read(ctx, s.Store, func(tx database.Tx) (orderRow, error) {
		found, err := findToChange(tx, wanted.ID, identity.From(ctx).Subject)
		if err != nil {
			return found, err
		}
		_, waiting, err := findUpdate(tx, found.key)
		begins = found.Status == order.StatusConfirmed && !waiting && digest(found.Name, found.Items) != digest(wanted.Name, wanted.Items)
		return found, err
	})
	if err != nil || !begins {
		return err
	}
	if short, err := s.check(ctx, found.key, wanted.Items); err == nil && len(short) > 0 {
		return refusedByInventory(short)
	}
	return nil
}

// beginUpdate writes down what the order shall become, and the message to reserve it. outcome is the version that the
// order will have when the update has ended, one way or another: nothing else happens to it before. It is 0 where there
// is nothing to do. full is why nothing can begin, or nil.
func (s *Service) beginUpdate(tx database.Tx, r orderRow, wanted order.UpdateRequest, by string, full error) (outcome int64, err error) {
	if r.Status != order.StatusConfirmed {
		return 0, illegalTransition(r.ID, r.Status, "updated")
	}
	waiting, found, err := findUpdate(tx, r.key)
	switch {
	case err != nil:
		return 0, err
	case found && digest(waiting.Name, waiting.Items) == digest(wanted.Name, wanted.Items):
		return r.Version + 1, nil
	case found:
		return 0, fault.Conflicting(order.UpdateInProgress, "Another update of the order '%s' is waiting for the inventory. Look at the order again in a moment, then repeat yours.", r.ID)
	case digest(r.Name, r.Items) == digest(wanted.Name, wanted.Items):
		return 0, nil
	case full != nil:
		return 0, full
	}
	read := r
	r.revision++
	if err := saveOrder(tx, read, r); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(`INSERT INTO updates (order_key, revision, name, items) VALUES ($1, $2, $3, $4)`, r.key, r.revision, wanted.Name, storedItems(wanted.Items)); err != nil {
		return 0, err
	}
	return r.Version + 1, putMessage(tx, r, reserve, by, s.Now())
}

// updateOutcome says how the update ended that is decided at a version, whatever came after it: nil where the order
// became what was wanted.
func (s *Service) updateOutcome(ctx context.Context, id, key string, version int64, unsettled error) error {
	var kind, why string
	decided, err := database.Read(ctx, s.Store, func(tx database.Tx) (bool, error) {
		return database.Found(tx.QueryRow(`SELECT kind, detail FROM events WHERE order_key = $1 AND version = $2`, key, version).Scan(&kind, &why))
	})
	switch {
	case err != nil:
		return err
	case !decided:
		return fault.Retryable(retryAfter, "The update of the order '%s' is waiting for the inventory; the order is unchanged until then. Repeat the request to hear how it ends.", id).Because(unsettled)
	case kind == updateRefused:
		short, err := readProblems(why)
		return cmp.Or(err, refusedByInventory(short))
	case kind == cancelled:
		return illegalTransition(id, order.StatusCancelled, "updated")
	}
	return nil
}

// findUpdate gives what a confirmed order is to become, once inventory has answered.
func findUpdate(tx database.Tx, key string) (waiting order.UpdateRequest, found bool, err error) {
	found, err = database.Found(tx.QueryRow(`SELECT name, items FROM updates WHERE order_key = $1`, key).Scan(&waiting.Name, (*storedItems)(&waiting.Items)))
	return waiting, found, err
}

func deleteUpdate(tx database.Tx, key string) error {
	_, err := tx.Exec(`DELETE FROM updates WHERE order_key = $1`, key)
	return err
}
