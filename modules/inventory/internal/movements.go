package internal

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"

	"oms/platform/database"
	"oms/platform/identity"
)

// actor is by whom stock is moved. What is proven and what is only told are kept apart: a workload can tell any name.
type actor struct {
	subject string // the user behind the call, or ""
	caller  string // the workload that makes it
	told    string // for whom the caller says that it acts, where no user is behind the call
}

// actorOf is who makes a call, with the name that the request tells.
func actorOf(ctx context.Context, told string) actor {
	p := identity.From(ctx)
	if p.Subject != "" {
		told = ""
	}
	return actor{p.Subject, p.Caller, told}
}

// owner is whom a reservation is counted for: the user, or else the one that is told, so that nobody escapes a limit by having the
// relay reserve.
func (a actor) owner() string { return cmp.Or(a.subject, a.told) }

// movement is one change of one product's stock. Whoever changes a product records one in the same transaction.
type movement struct {
	category, code   string
	kind             string // reserve, release or adjust
	onHand, reserved int64  // signed changes
	reservation      string // the key, or ""
	revision         int64
	by               actor
	reason           string
}

func (m movement) record(tx database.Tx, at time.Time) error {
	id, err := uuid.NewV7() // sorts in the order of time, also within a millisecond
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO movements (id, at, category, code, kind, on_hand, reserved, reservation, revision, by_subject, by_caller, told_subject, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		id.String(), at, m.category, m.code, m.kind, m.onHand, m.reserved, m.reservation, m.revision, m.by.subject, m.by.caller, m.by.told, m.reason)
	return err
}
