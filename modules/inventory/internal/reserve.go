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
	if err := s.moveReserved(tx, held.lines, wanted, movement{kind: "reserve", reservation: r.Key, revision: r.Revision, by: r.By}); err != nil {
		return inventory.Reservation{}, err
	}
	return inventory.Reservation{Outcome: inventory.Reserved}, s.saveReservation(tx, r.Key, r.Revision, live, wanted)
}

// shortages says which lines cannot be had, with what the key holds already counted as free to it.
func shortages(tx database.Tx, lines []inventory.Line, wanted, held map[productID]int64) ([]inventory.Problem, error) {
	var problems []inventory.Problem
	for i, line := range lines {
		id := productID{line.Category, line.Code}
		p, found, err := findProduct(tx, id.category, id.code)
		switch {
		case err != nil:
			return nil, err
		case !found:
			problems = append(problems, inventory.Problem{Line: i, Unknown: true})
		case wanted[id] > p.available()+held[id]:
			problems = append(problems, inventory.Problem{Line: i, Requested: wanted[id], Available: p.available() + held[id]})
		}
	}
	return problems, nil
}

// moveReserved takes the products' reserved counts from one set of lines to another. The products come in one order, so
// that two transactions can never wait for each other. A condition that no longer holds runs the work again.
func (s *Service) moveReserved(tx database.Tx, from, to map[productID]int64, as movement) error {
	for _, id := range sortedIDs(from, to) {
		change := to[id] - from[id]
		if change == 0 {
			continue
		}
		if err := database.ChangeOne(tx, `UPDATE products SET reserved = reserved + $1
			WHERE category = $2 AND code = $3 AND on_hand - reserved >= $1`, change, id.category, id.code); err != nil {
			return err
		}
		as.category, as.code, as.reserved = id.category, id.code, change
		if err := as.record(tx, s.now()); err != nil {
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
