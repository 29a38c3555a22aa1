package internal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// Update replaces the content of a confirmed order, once inventory has swapped what it holds.
func (s *Service) Update(ctx context.Context, r order.UpdateRequest) (order.Updated, error) {
	if problems := checkContent(r.Name, r.Items); problems != nil {
		return order.Updated{}, fault.Invalid(problems...)
	}
	wanted := content{r.Name, r.Items}
	key, err := s.decided(ctx, r.ID, func(tx database.Tx, found record) error {
		return s.beginUpdate(tx, found, wanted, identity.From(ctx).Subject)
	})
	if err != nil {
		return order.Updated{}, err
	}
	unsettled := s.settleNow(ctx, key)
	if err := s.updateOutcome(ctx, key, wanted, unsettled); err != nil {
		return order.Updated{}, err
	}
	return order.Updated{Status: fmt.Sprintf("Order '%s' updated.", r.ID)}, nil
}

// beginUpdate writes down what the order shall become, and the message to reserve it.
func (s *Service) beginUpdate(tx database.Tx, r record, wanted content, by string) error {
	if r.status != order.StatusConfirmed {
		return illegal(r, "updated")
	}
	waiting, found, err := findUpdate(tx, r.key)
	switch {
	case err != nil:
		return err
	case found && waiting.equal(wanted):
		return nil
	case found:
		return fault.Conflicting("update-in-progress", "Another update of the order '%s' is waiting for the inventory. Look at the order again in a moment, then repeat yours.", r.id)
	case r.content.equal(wanted):
		return nil
	}
	items, err := json.Marshal(wanted.items)
	if err != nil {
		return err
	}
	r.revision++
	if err := saveOrder(tx, r, r.version); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO updates (order_key, revision, name, items) VALUES ($1, $2, $3, $4)`, r.key, r.revision, wanted.name, string(items)); err != nil {
		return err
	}
	return putMessage(tx, message{orderKey: r.key, kind: reserve, revision: r.revision, by: by}, s.Now())
}

// updateOutcome says how the update ended: nil where the order now is what was wanted.
func (s *Service) updateOutcome(ctx context.Context, key string, wanted content, unsettled error) error {
	r, err := s.find(ctx, key)
	if err != nil {
		return err
	}
	var waiting bool
	var why string
	err = s.Store.Read(ctx, func(tx database.Tx) error {
		if _, waiting, err = findUpdate(tx, key); err != nil {
			return err
		}
		err := tx.QueryRow(`SELECT detail FROM events WHERE order_key = $1 AND kind = $2 ORDER BY version DESC LIMIT 1`, key, updateRefused).Scan(&why)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case waiting:
		return fault.Retryable(retryAfter, "The update of the order '%s' is waiting for the inventory; the order is unchanged until then. Repeat the request to hear how it ends.", r.id).Because(unsettled)
	case r.content.equal(wanted) && r.status == order.StatusConfirmed:
		return nil
	case r.status != order.StatusConfirmed:
		return illegal(r, "updated")
	}
	return refusal(why)
}

func illegal(r record, what string) error {
	return fault.Conflicting("illegal-transition", "The order '%s' is %s and cannot be %s.", r.id, r.status, what)
}
