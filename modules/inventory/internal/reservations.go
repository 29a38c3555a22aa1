package internal

import (
	"oms/modules/inventory"
	"oms/platform/database"
)

// The states of a reservation. A released one never becomes live again.
const (
	live     = "live"
	released = "released"
)

type productID struct{ category, code string }

// reservation is what is held under a key. The zero one is that of an unknown key.
type reservation struct {
	state    string
	revision int64
	lines    map[productID]int64
}

func findReservation(tx database.Tx, key string) (reservation, error) {
	r := reservation{lines: map[productID]int64{}}
	found, err := database.Found(tx.QueryRow(`SELECT state, revision FROM reservations WHERE key = $1`, key).Scan(&r.state, &r.revision))
	if err != nil || !found {
		return r, err
	}
	lines, err := database.Collect(tx, scanLine, `SELECT category, code, quantity FROM reservation_lines WHERE key = $1`, key)
	for _, line := range lines {
		r.lines[productID{line.Category, line.Code}] = line.Quantity
	}
	return r, err
}

func scanLine(row database.Row) (line inventory.Line, err error) {
	err = row.Scan(&line.Category, &line.Code, &line.Quantity)
	return line, err
}

// saveReservation sets the state and the lines of a key.
func (s *Service) saveReservation(tx database.Tx, key string, revision int64, state string, lines map[productID]int64) error {
	if _, err := tx.Exec(`INSERT INTO reservations (key, revision, state, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, state = excluded.state, updated_at = excluded.updated_at`,
		key, revision, state, s.now()); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM reservation_lines WHERE key = $1`, key); err != nil {
		return err
	}
	for _, id := range sortedIDs(lines) {
		if _, err := tx.Exec(`INSERT INTO reservation_lines (key, category, code, quantity) VALUES ($1, $2, $3, $4)`,
			key, id.category, id.code, lines[id]); err != nil {
			return err
		}
	}
	return nil
}
