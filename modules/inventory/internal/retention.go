package internal

import (
	"slices"
	"time"

	"oms/platform/config"
	"oms/platform/database"
	"oms/platform/retention"
)

// Settings are the module's part of the configuration, under its name.
type Settings struct {
	// MaxShare is how much of what is on hand of a product may be reserved for one owner, in percent (1 to 100); 0 is no limit.
	MaxShare int64 `koanf:"max_share"`

	Retention Retention `koanf:"retention"`
}

// Retention says how long what is over is kept. What live reservations hold, and their movements, are kept as long as they
// live.
type Retention struct {
	// Movements is how long the movements of a released reservation, and adjustments, are kept (24h to 87600h). The default
	// is as long as orders keep what is over.
	Movements time.Duration `koanf:"movements"`

	// Answers is how long a released reservation and the answer to each request are remembered (168h to 87600h), so that a
	// message that comes late or twice has no effect. Order gives up what is pending after a week at most.
	Answers time.Duration `koanf:"answers"`
}

// latestMessage is how late a message of order may be: the upper bound of order.pending_timeout.
const latestMessage = 7 * 24 * time.Hour

// DefaultSettings are those of a module that is told nothing.
func DefaultSettings() *Settings {
	return &Settings{Retention: Retention{Movements: 90 * 24 * time.Hour, Answers: 30 * 24 * time.Hour}}
}

// Problems is everything about the values that cannot stay.
func (s Settings) Problems() []config.Problem {
	const tenYears = 10 * 365 * 24 * time.Hour
	return slices.Concat(
		config.WithinNumber("max_share", s.MaxShare, 0, 100),
		config.Within("retention.movements", s.Retention.Movements, 24*time.Hour, tenYears),
		config.Within("retention.answers", s.Retention.Answers, latestMessage, tenYears),
	)
}

// Pruner removes what has outlived its time. It is run beside the service.
func (s *Service) Pruner() *retention.Pruner {
	return retention.New("inventory", s.Store, s.Now, s.Log,
		retention.Kind{Name: "answers", Life: s.Retention.Answers, Remove: removeOld(`DELETE FROM answers WHERE (key, revision) IN
			(SELECT key, revision FROM answers WHERE at <= $1 ORDER BY at LIMIT $2)`)},
		retention.Kind{Name: "reservations", Life: s.Retention.Answers, Remove: removeOld(`DELETE FROM reservations WHERE key IN
			(SELECT key FROM reservations WHERE state = 'released' AND updated_at <= $1 ORDER BY updated_at LIMIT $2)`)},
		retention.Kind{Name: "movements", Life: s.Retention.Movements, Remove: removeMovements},
	)
}

// removeOld removes with one statement, which takes the time and the limit.
func removeOld(statement string) func(database.Tx, time.Time, int64) (int64, error) {
	return func(tx database.Tx, endedBy time.Time, limit int64) (int64, error) {
		return tx.Exec(statement, endedBy, limit)
	}
}

// removeMovements removes the movements of released reservations, which come to nothing together, and adjustments, which it
// adds to the opening of their product. All movements of a reservation go at once; the limit is of releases and adjustments.
func removeMovements(tx database.Tx, endedBy time.Time, limit int64) (removed int64, err error) {
	adjusted, released := map[productID]adjustments{}, map[string]bool{}
	_, err = database.Collect(tx, func(row database.Row) (id productID, err error) {
		var movement, reservation string
		var onHand int64
		err = row.Scan(&movement, &id.category, &id.code, &onHand, &reservation)
		if reservation != "" {
			released[reservation] = true
		} else {
			of := adjusted[id]
			adjusted[id] = adjustments{of.sum + onHand, append(of.movements, movement)}
		}
		return id, err
	}, `SELECT id, category, code, on_hand, reservation FROM movements WHERE kind <> 'reserve' AND at <= $1 ORDER BY at, id LIMIT $2`, endedBy, limit)
	if err != nil {
		return 0, err
	}
	for reservation := range released {
		gone, err := tx.Exec(`DELETE FROM movements WHERE reservation = $1`, reservation)
		if err != nil {
			return 0, err
		}
		removed += gone
	}
	for id, of := range adjusted {
		gone, err := of.carryOver(tx, id)
		if err != nil {
			return 0, err
		}
		removed += gone
	}
	return removed, nil
}

// adjustments are old adjustments of one product.
type adjustments struct {
	sum       int64
	movements []string
}

// carryOver adds what they come to to the product's opening, and removes them. Where a clock was set back they may come too
// early to be taken from it: then they wait for the next ones.
func (a adjustments) carryOver(tx database.Tx, id productID) (removed int64, err error) {
	carried, err := tx.Exec(`UPDATE products SET opening = opening + $1 WHERE category = $2 AND code = $3 AND opening + $1 >= 0`, a.sum, id.category, id.code)
	if err != nil || carried == 0 {
		return 0, err
	}
	for _, movement := range a.movements {
		if _, err := tx.Exec(`DELETE FROM movements WHERE id = $1`, movement); err != nil {
			return 0, err
		}
	}
	return int64(len(a.movements)), nil
}
