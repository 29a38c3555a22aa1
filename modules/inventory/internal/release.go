package internal

import (
	"context"

	"oms/modules/inventory"
	"oms/platform/database"
)

// Release gives back what is held under a key, and leaves it as a tombstone.
func (s *Service) Release(ctx context.Context, r inventory.ReleaseRequest) (inventory.Reservation, error) {
	err := s.store.Write(ctx, func(tx database.Tx) error {
		held, err := findReservation(tx, r.Key)
		if err != nil || held.state == released {
			return err
		}
		if err := s.moveReserved(tx, held.lines, nil, movement{kind: "release", reservation: r.Key, revision: held.revision, by: r.By}); err != nil {
			return err
		}
		return s.saveReservation(tx, r.Key, held.revision, released, nil)
	})
	return inventory.Reservation{Outcome: inventory.Released}, err
}
