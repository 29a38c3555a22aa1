// Package internal holds the rules and the storage of the inventory. It trusts no check of its callers: that a row
// has authorised a call says who may make it, not that its content makes sense.
package internal

import (
	"time"

	"github.com/google/uuid"

	"oms/modules/inventory"
	"oms/platform/database"
)

// Service implements [inventory.Service] on its own database. It is safe for concurrent use.
type Service struct {
	store database.Store
	now   func() time.Time
}

var _ inventory.Service = (*Service)(nil)

// New makes the service of a database; now tells the time of movements.
func New(store database.Store, now func() time.Time) *Service {
	return &Service{store, now}
}

// movement is one change of one product's stock. Whoever changes a product records one in the same transaction.
type movement struct {
	category, code   string
	kind             string // reserve, release or adjust
	onHand, reserved int64  // signed changes
	reservation      string // the key, or ""
	revision         int64
	by, reason       string
}

func (m movement) record(tx database.Tx, at time.Time) error {
	id, err := uuid.NewV7() // sorts in the order of time, also within a millisecond
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO movements (id, at, category, code, kind, on_hand, reserved, reservation, revision, by_subject, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		id.String(), at, m.category, m.code, m.kind, m.onHand, m.reserved, m.reservation, m.revision, m.by, m.reason)
	return err
}
