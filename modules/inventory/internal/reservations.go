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

// reservation is what is held under a key. That of an unknown key has no state.
type reservation struct {
	state    string
	revision int64
	owner    string // for whom it was made first
	lines    map[productID]int64
}

// Check says what Reserve would refuse now.
func (s *Service) Check(ctx context.Context, r inventory.CheckRequest) (inventory.Checked, error) {
	return database.Read(ctx, s.Store, func(tx database.Tx) (inventory.Checked, error) {
		held, err := findReservation(tx, r.Key, actorOf(ctx, ""))
		if err != nil {
			return inventory.Checked{}, err
		}
		problems, err := s.shortages(tx, r.Lines, held)
		return inventory.Checked{Problems: problems}, err
	})
}

// Reserve sets what is held under a key, once for each revision.
func (s *Service) Reserve(ctx context.Context, r inventory.ReserveRequest) (inventory.Reservation, error) {
	full := s.Store.Room()
	return database.Write(ctx, s.Store, func(tx database.Tx) (inventory.Reservation, error) {
		answer, found, err := storedAnswer(tx, r)
		if found || err != nil {
			return answer, err
		}
		by := actorOf(ctx, r.By)
		held, err := findReservation(tx, r.Key, by)
		switch {
		case err != nil:
			return answer, err
		case held.state == released:
			answer.Outcome = inventory.Released
		case held.revision > r.Revision:
			answer.Outcome = inventory.Superseded
		case full != nil: // no answer yet: order asks again
			return answer, full
		default:
			if answer, err = s.replaceHeld(tx, r, held, by); err != nil {
				return answer, err
			}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return answer, err
		}
		_, err = tx.Exec(`INSERT INTO answers (key, revision, digest, answer, at) VALUES ($1, $2, $3, $4, $5)`,
			r.Key, r.Revision, digest(r.Lines), string(text), s.Now())
		return answer, err
	})
}

// replaceHeld replaces what is held under the key by the request's lines, all or nothing.
func (s *Service) replaceHeld(tx database.Tx, r inventory.ReserveRequest, held reservation, by actor) (inventory.Reservation, error) {
	problems, err := s.shortages(tx, r.Lines, held)
	if err != nil || len(problems) > 0 {
		return inventory.Reservation{Outcome: inventory.Refused, Problems: problems}, err
	}
	return inventory.Reservation{Outcome: inventory.Reserved}, s.change(tx, held.lines, reservation{live, r.Revision, held.owner, summed(r.Lines)}, movement{kind: "reserve", reservation: r.Key, by: by})
}

// Release gives back what is held under a key, and leaves it as a tombstone.
func (s *Service) Release(ctx context.Context, r inventory.ReleaseRequest) (inventory.Reservation, error) {
	err := s.Store.Write(ctx, func(tx database.Tx) error {
		by := actorOf(ctx, r.By)
		held, err := findReservation(tx, r.Key, by)
		if err != nil || held.state == released {
			return err
		}
		return s.change(tx, held.lines, reservation{state: released, revision: held.revision, owner: held.owner}, movement{kind: "release", reservation: r.Key, by: by})
	})
	return inventory.Reservation{Outcome: inventory.Released}, err
}

// summed are lines by product.
func summed(lines []inventory.Line) map[productID]int64 {
	wanted := map[productID]int64{}
	for _, line := range lines {
		wanted[productID{line.Category, line.Code}] += line.Quantity
	}
	return wanted
}

// shortages says which lines cannot be had, with what the key holds already counted as free to it.
func (s *Service) shortages(tx database.Tx, lines []inventory.Line, held reservation) ([]inventory.Problem, error) {
	var problems []inventory.Problem
	wanted := summed(lines)
	for i, line := range lines {
		id := productID{line.Category, line.Code}
		p, err := findProduct(tx, id.category, id.code)
		if fault.CodeOf(err) == fault.NotFound {
			problems = append(problems, inventory.Problem{Line: i, Unknown: true})
			continue
		}
		if err != nil {
			return nil, err
		}
		available, err := s.availableTo(tx, held, id, p)
		if err != nil {
			return nil, err
		}
		if wanted[id] > available {
			problems = append(problems, inventory.Problem{Line: i, Requested: wanted[id], Available: available})
		}
	}
	return problems, nil
}

// availableTo is how much of a product a reservation can hold: what is free, what it holds already, and no more than its
// owner's share. A share is rounded up, so that everybody can have one of whatever is there.
func (s *Service) availableTo(tx database.Tx, held reservation, id productID, p inventory.Product) (int64, error) {
	available := p.Available + held.lines[id]
	if s.MaxShare == 0 || held.owner == "" {
		return available, nil
	}
	var owned int64
	err := tx.QueryRow(`SELECT coalesce(sum(quantity), 0) FROM reservation_lines WHERE owner = $1 AND category = $2 AND code = $3`, held.owner, id.category, id.code).Scan(&owned)
	const percent = 100
	share := (*p.OnHand*s.MaxShare + percent - 1) / percent
	return max(0, min(available, share-owned+held.lines[id])), err
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
		if err := as.record(tx, s.Now()); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`INSERT INTO reservations (key, revision, state, owner, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, state = excluded.state, updated_at = excluded.updated_at`,
		as.reservation, to.revision, to.state, to.owner, s.Now()); err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM reservation_lines WHERE key = $1`, as.reservation); err != nil {
		return err
	}
	for _, id := range sortedIDs(to.lines) {
		if _, err := tx.Exec(`INSERT INTO reservation_lines (key, owner, category, code, quantity) VALUES ($1, $2, $3, $4, $5)`,
			as.reservation, to.owner, id.category, id.code, to.lines[id]); err != nil {
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

// findReservation gives what is held under a key. One that is not there yet is the actor's.
func findReservation(tx database.Tx, key string, by actor) (reservation, error) {
	r := reservation{owner: by.owner(), lines: map[productID]int64{}}
	found, err := database.Found(tx.QueryRow(`SELECT state, revision, owner FROM reservations WHERE key = $1`, key).Scan(&r.state, &r.revision, &r.owner))
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
