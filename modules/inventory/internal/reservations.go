package internal

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"oms/modules/inventory"
	"oms/platform/database"
	"oms/platform/fault"
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

// Reserve sets what is held under a key, once for each revision.
func (s *Service) Reserve(ctx context.Context, r inventory.ReserveRequest) (inventory.Reservation, error) {
	return database.Write(ctx, s.store, func(tx database.Tx) (inventory.Reservation, error) {
		answer, found, err := storedAnswer(tx, r)
		if found || err != nil {
			return answer, err
		}
		held, err := findReservation(tx, r.Key)
		switch {
		case err != nil:
			return answer, err
		case held.state == released:
			answer.Outcome = inventory.Released
		case held.revision > r.Revision:
			answer.Outcome = inventory.Superseded
		default:
			if answer, err = s.replaceHeld(tx, r, held); err != nil {
				return answer, err
			}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return answer, err
		}
		_, err = tx.Exec(`INSERT INTO answers (key, revision, digest, answer, at) VALUES ($1, $2, $3, $4, $5)`,
			r.Key, r.Revision, digest(r.Lines), string(text), s.now())
		return answer, err
	})
}

// replaceHeld replaces what is held under the key by the request's lines, all or nothing.
func (s *Service) replaceHeld(tx database.Tx, r inventory.ReserveRequest, held reservation) (inventory.Reservation, error) {
	wanted := map[productID]int64{}
	for _, line := range r.Lines {
		wanted[productID{line.Category, line.Code}] += line.Quantity
	}
	problems, err := shortages(tx, r.Lines, wanted, held.lines)
	if err != nil || len(problems) > 0 {
		return inventory.Reservation{Outcome: inventory.Refused, Problems: problems}, err
	}
	return inventory.Reservation{Outcome: inventory.Reserved}, s.change(tx, held.lines, reservation{live, r.Revision, wanted}, movement{kind: "reserve", reservation: r.Key, by: r.By})
}

// Release gives back what is held under a key, and leaves it as a tombstone.
func (s *Service) Release(ctx context.Context, r inventory.ReleaseRequest) (inventory.Reservation, error) {
	err := s.store.Write(ctx, func(tx database.Tx) error {
		held, err := findReservation(tx, r.Key)
		if err != nil || held.state == released {
			return err
		}
		return s.change(tx, held.lines, reservation{state: released, revision: held.revision}, movement{kind: "release", reservation: r.Key, by: r.By})
	})
	return inventory.Reservation{Outcome: inventory.Released}, err
}

// shortages says which lines cannot be had, with what the key holds already counted as free to it.
func shortages(tx database.Tx, lines []inventory.Line, wanted, held map[productID]int64) ([]inventory.Problem, error) {
	var problems []inventory.Problem
	for i, line := range lines {
		id := productID{line.Category, line.Code}
		p, err := findProduct(tx, id.category, id.code)
		switch available := p.Available + held[id]; {
		case fault.CodeOf(err) == fault.NotFound:
			problems = append(problems, inventory.Problem{Line: i, Unknown: true})
		case err != nil:
			return nil, err
		case wanted[id] > available:
			problems = append(problems, inventory.Problem{Line: i, Requested: wanted[id], Available: available})
		}
	}
	return problems, nil
}

// change replaces what a key holds, and takes the products' reserved counts along. The products come in one order, so
// that two transactions can never wait for each other. A condition that no longer holds runs the work again.
func (s *Service) change(tx database.Tx, from map[productID]int64, to reservation, as movement) error {
	as.revision = to.revision
	for _, id := range sortedIDs(from, to.lines) {
		as.category, as.code, as.reserved = id.category, id.code, to.lines[id]-from[id]
		if as.reserved == 0 {
			continue
		}
		if err := database.ChangeOne(tx, `UPDATE products SET reserved = reserved + $1
			WHERE category = $2 AND code = $3 AND on_hand - reserved >= $1`, as.reserved, id.category, id.code); err != nil {
			return err
		}
		if err := as.record(tx, s.now()); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`INSERT INTO reservations (key, revision, state, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, state = excluded.state, updated_at = excluded.updated_at`,
		as.reservation, to.revision, to.state, s.now()); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM reservation_lines WHERE key = $1`, as.reservation); err != nil {
		return err
	}
	for _, id := range sortedIDs(to.lines) {
		if _, err := tx.Exec(`INSERT INTO reservation_lines (key, category, code, quantity) VALUES ($1, $2, $3, $4)`,
			as.reservation, id.category, id.code, to.lines[id]); err != nil {
			return err
		}
	}
	return nil
}

func sortedIDs(sets ...map[productID]int64) (ids []productID) {
	for _, set := range sets {
		ids = slices.AppendSeq(ids, maps.Keys(set))
	}
	slices.SortFunc(ids, func(a, b productID) int {
		return cmp.Or(cmp.Compare(a.category, b.category), cmp.Compare(a.code, b.code))
	})
	return slices.Compact(ids)
}

func findReservation(tx database.Tx, key string) (reservation, error) {
	r := reservation{lines: map[productID]int64{}}
	found, err := database.Found(tx.QueryRow(`SELECT state, revision FROM reservations WHERE key = $1`, key).Scan(&r.state, &r.revision))
	if err != nil || !found {
		return r, err
	}
	_, err = database.Collect(tx, func(row database.Row) (id productID, err error) {
		var quantity int64
		err = row.Scan(&id.category, &id.code, &quantity)
		r.lines[id] = quantity
		return id, err
	}, `SELECT category, code, quantity FROM reservation_lines WHERE key = $1`, key)
	return r, err
}

// storedAnswer is what this key and revision were answered before.
func storedAnswer(tx database.Tx, r inventory.ReserveRequest) (answer inventory.Reservation, found bool, err error) {
	var lines, text string
	found, err = database.Found(tx.QueryRow(`SELECT digest, answer FROM answers WHERE key = $1 AND revision = $2`, r.Key, r.Revision).Scan(&lines, &text))
	switch {
	case err != nil || !found:
		return answer, false, err
	case lines != digest(r.Lines):
		return answer, false, fault.New(fault.InvalidArgument, "Revision %d of this reservation was asked for with other lines before.", r.Revision)
	}
	return answer, true, json.Unmarshal([]byte(text), &answer)
}

// digest names the content of lines: two requests with the same one ask for the same.
func digest(lines []inventory.Line) string {
	sum := sha256.New()
	for _, line := range lines {
		fmt.Fprintf(sum, "%q %q %d\n", line.Category, line.Code, line.Quantity)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
