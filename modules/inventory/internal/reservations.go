package internal

import (
	"database/sql"
	"errors"

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
	err := tx.QueryRow(`SELECT state, revision FROM reservations WHERE key = $1`, key).Scan(&r.state, &r.revision)
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	rows, err := tx.Query(`SELECT category, code, quantity FROM reservation_lines WHERE key = $1`, key)
	if err != nil {
		return r, err
	}
	defer rows.Close()
	for rows.Next() {
		var id productID
		var quantity int64
		if err := rows.Scan(&id.category, &id.code, &quantity); err != nil {
			return r, err
		}
		r.lines[id] = quantity
	}
	return r, rows.Err()
}

// saveReservation sets the state and the lines of a key.
func (s *Service) saveReservation(tx database.Tx, key string, revision int64, state string, lines map[productID]int64) error {
	if _, err := tx.Exec(`INSERT INTO reservations (key, revision, state, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, state = excluded.state, updated_at = excluded.updated_at`,
		key, revision, state, s.now().UnixMilli()); err != nil {
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
