package internal

import (
	"context"
	"encoding/json"
	"fmt"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Update replaces the content of a confirmed order, once inventory has swapped what it holds.
func (s *Service) Update(ctx context.Context, r order.UpdateRequest) (order.Updated, error) {
	wanted := content{r.Name, r.Items}
	var outcome int64
	key, err := s.changeOrder(ctx, r.ID, func(tx database.Tx, found orderRow) (err error) {
		outcome, err = s.beginUpdate(tx, found, wanted, identity.From(ctx).Subject)
		return err
	})
	if err == nil && outcome > 0 {
		err = s.updateOutcome(ctx, r.ID, key, outcome, s.settleNow(ctx, key))
	}
	if err != nil {
		return order.Updated{}, err
	}
	return order.Updated{Status: fmt.Sprintf("Order '%s' updated.", r.ID)}, nil
}

// beginUpdate writes down what the order shall become, and the message to reserve it. outcome is the version that the
// order will have when the update has ended, one way or another: nothing else happens to it before. It is 0 where there
// is nothing to do.
func (s *Service) beginUpdate(tx database.Tx, r orderRow, wanted content, by string) (outcome int64, err error) {
	if r.status != order.StatusConfirmed {
		return 0, illegalTransition(r.id, r.status, "updated")
	}
	waiting, found, err := findUpdate(tx, r.key)
	switch {
	case err != nil:
		return 0, err
	case found && waiting.digest() == wanted.digest():
		return r.version + 1, nil
	case found:
		return 0, fault.Conflicting("update-in-progress", "Another update of the order '%s' is waiting for the inventory. Look at the order again in a moment, then repeat yours.", r.id)
	case r.content.digest() == wanted.digest():
		return 0, nil
	}
	items, err := json.Marshal(wanted.items)
	if err != nil {
		return 0, err
	}
	read := r
	r.revision++
	if err := saveOrder(tx, read, r); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(`INSERT INTO updates (order_key, revision, name, items) VALUES ($1, $2, $3, $4)`, r.key, r.revision, wanted.name, string(items)); err != nil {
		return 0, err
	}
	return r.version + 1, putMessage(tx, message{orderKey: r.key, kind: reserve, revision: r.revision, by: by}, s.Now())
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
		return refusedByInventory(why)
	case kind == cancelled:
		return illegalTransition(id, order.StatusCancelled, "updated")
	}
	return nil
}

func illegalTransition(id string, status order.Status, what string) error {
	return fault.Conflicting("illegal-transition", "The order '%s' is %s and cannot be %s.", id, status, what)
}
