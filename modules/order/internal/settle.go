package internal

import (
	"context"
	"encoding/json"
	"fmt"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/database"
)

// settleNow settles the order's message within the request that wrote it. Where that fails, the relay goes on at
// once; the error says why, and what is known can be read from the order.
func (s *Service) settleNow(ctx context.Context, key string) error {
	err := s.settle(ctx, key, false)
	if err != nil {
		s.makeDueNow(ctx, key)
	}
	return err
}

// settle asks inventory what the order's message says and records the answer. It returns nil when there is no message
// left, whoever settled it. The relay never confirms an order that its sender cannot ask about again: it withdraws it.
func (s *Service) settle(ctx context.Context, key string, relay bool) error {
	m, r, asked, err := s.readUnsettled(ctx, key)
	if err != nil || m.kind == "" {
		return err
	}
	if m.kind == reserve && r.Status == order.StatusPending && (s.Now().After(r.deadline) || relay && !r.repeatable) {
		if err := s.Store.Write(ctx, func(tx database.Tx) error { return turnIntoRelease(tx, m, s.Now()) }); err != nil {
			return err
		}
		return s.settle(ctx, key, relay) // what there is to tell now: a release, unless somebody was faster to confirm it
	}
	answer, err := s.askInventory(ctx, m, asked)
	if err != nil {
		return err
	}
	if r.repeatable || relay {
		ctx = context.WithoutCancel(ctx) // a definite answer is worth recording, even after the caller has left
	} else if err := ctx.Err(); err != nil {
		return err
	}
	return s.Store.Write(ctx, func(tx database.Tx) error { return s.recordAnswer(tx, m, answer) })
}

// readUnsettled reads the order's message, the order, and the items that the message speaks of. Without a message its
// kind is "".
func (s *Service) readUnsettled(ctx context.Context, key string) (m message, r orderRow, asked []order.Item, err error) {
	err = s.Store.Read(ctx, func(tx database.Tx) error {
		var found bool
		if m, found, err = findMessage(tx, key); err != nil || !found {
			return err
		}
		if r, err = findByKey(tx, key); err != nil {
			return err
		}
		asked = r.Items
		if m.kind == reserve && r.Status != order.StatusPending {
			waiting, _, err := findUpdate(tx, key)
			asked = waiting.Items
			return err
		}
		return nil
	})
	return m, r, asked, err
}

// askInventory tells inventory the message.
func (s *Service) askInventory(ctx context.Context, m message, asked []order.Item) (inventory.Reservation, error) {
	if m.kind == release {
		return s.inventory.Release(ctx, inventory.ReleaseRequest{Key: m.orderKey, By: m.by})
	}
	return s.inventory.Reserve(ctx, inventory.ReserveRequest{Key: m.orderKey, Revision: m.revision, Lines: linesOf(asked), By: m.by})
}

// recordAnswer takes the message and makes the transition that inventory's answer means. It does nothing where the message
// is no longer the same: then somebody else has decided.
func (s *Service) recordAnswer(tx database.Tx, m message, answer inventory.Reservation) error {
	taken, err := tx.Exec(`DELETE FROM outbox WHERE order_key = $1 AND kind = $2 AND revision = $3`, m.orderKey, m.kind, m.revision)
	if err != nil || taken == 0 {
		return err
	}
	r, err := findByKey(tx, m.orderKey)
	if err != nil {
		return err
	}
	became := func(to order.Status, kind, detail string) error {
		return transition(tx, r, to, kind, m.by, detail, s.Now())
	}
	switch {
	case r.Status == order.StatusPending && answer.Outcome == inventory.Reserved:
		return became(order.StatusConfirmed, confirmed, "")
	case r.Status == order.StatusPending && answer.Outcome == inventory.Released:
		return became(order.StatusExpired, expired, "")
	case r.Status == order.StatusPending && answer.Outcome == inventory.Refused:
		return refuse(tx, r, answer.Problems, s.Now())
	case r.Status == order.StatusConfirmed && m.kind == reserve:
		asked, found, err := findUpdate(tx, r.key)
		if err != nil {
			return err
		}
		if err := deleteUpdate(tx, r.key); err != nil {
			return err
		}
		switch {
		case found && answer.Outcome == inventory.Reserved:
			r.Name, r.Items = asked.Name, asked.Items
			return became(order.StatusConfirmed, updated, "")
		case found && answer.Outcome == inventory.Refused:
			why, err := json.Marshal(answer.Problems)
			if err != nil {
				return err
			}
			return became(order.StatusConfirmed, updateRefused, string(why))
		}
	case r.Status == order.StatusCancelled && m.kind == release:
		return nil
	}
	return fmt.Errorf("order %s is %s, and inventory answered %s to revision %d of its %s", r.key, r.Status, answer.Outcome, m.revision, m.kind)
}
