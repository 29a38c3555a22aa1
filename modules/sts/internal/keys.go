package internal

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"oms/platform/database"
)

// purpose is what a key signs.
type purpose string

const (
	tokens       purpose = "tokens"
	certificates purpose = "certificates"
)

// noun is what operators call a key that signs p.
func (p purpose) noun() string {
	if p == certificates {
		return "private root"
	}
	return "signing key"
}

// KeyState is what a key is at a moment. It follows from the key's times alone, so that nobody has to be there when it
// changes.
type KeyState string

// The states, in the order in which a key passes through them.
const (
	Next    KeyState = "next"    // published, so that everybody knows it when it begins to sign
	Active  KeyState = "active"  // signs
	Retired KeyState = "retired" // still verifies what it has signed
	gone    KeyState = ""
)

// storedKey is a key that signs tokens or certificates.
type storedKey struct {
	id          string
	purpose     purpose
	algorithm   string
	private     []byte // PKCS #8
	certificate []byte // of a root
	created     time.Time
	activates   time.Time
	retires     time.Time // zero: nothing has replaced it
}

const selectKeys = `SELECT id, algorithm, private, certificate, created_at, activates_at, retires_at FROM keys
	WHERE purpose = $1 AND (retires_at IS NULL OR retires_at > $2)`

// publishedKeys gives the keys that count at now: the active one first, then the others, the latest before the earlier.
func publishedKeys(tx database.Tx, p purpose, now time.Time) (keys []storedKey, err error) {
	rows, err := tx.Query(selectKeys+` ORDER BY activates_at > $2, activates_at DESC, id`, string(p), now.UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		k, err := scanKey(rows, p)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

func scanKey(row scanner, p purpose) (storedKey, error) {
	k := storedKey{purpose: p}
	var private, certificate string
	var created, activates int64
	var retires sql.NullInt64
	if err := row.Scan(&k.id, &k.algorithm, &private, &certificate, &created, &activates, &retires); err != nil {
		return k, err
	}
	k.created, k.activates = time.UnixMilli(created).UTC(), time.UnixMilli(activates).UTC()
	if retires.Valid {
		k.retires = time.UnixMilli(retires.Int64).UTC()
	}
	var err, certificateErr error
	k.private, err = base64.StdEncoding.DecodeString(private)
	k.certificate, certificateErr = base64.StdEncoding.DecodeString(certificate)
	if err = errors.Join(err, certificateErr); err != nil {
		return k, k.corrupt()
	}
	return k, nil
}

func (k storedKey) corrupt() error {
	return fmt.Errorf("the key %q, which signs %s, is corrupt in the database of the STS; restore the database from a backup", k.id, k.purpose)
}

func insertKey(tx database.Tx, k storedKey) error {
	_, err := tx.Exec(`INSERT INTO keys (id, purpose, algorithm, private, certificate, created_at, activates_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		k.id, string(k.purpose), k.algorithm, base64.StdEncoding.EncodeToString(k.private), base64.StdEncoding.EncodeToString(k.certificate),
		k.created.UnixMilli(), k.activates.UnixMilli())
	return err
}

// ensureKey makes the first key of a purpose, where there is none that signs now.
func ensureKey(ctx context.Context, store database.Store, p purpose, now time.Time, generate func(time.Time) (storedKey, error)) error {
	has := func(tx database.Tx) (bool, error) {
		keys, err := publishedKeys(tx, p, now)
		return len(keys) > 0 && !keys[0].activates.After(now), err
	}
	var there bool
	if err := store.Read(ctx, func(tx database.Tx) (err error) { there, err = has(tx); return err }); err != nil || there {
		return err
	}
	fresh, err := generate(now)
	if err != nil {
		return err
	}
	return store.Write(ctx, func(tx database.Tx) error {
		if there, err := has(tx); err != nil || there { // another process may have been faster
			return err
		}
		return insertKey(tx, fresh)
	})
}

// rotate publishes a next key, which signs after announcement; the one that it replaces verifies for overlap after that.
func rotate(ctx context.Context, store database.Store, p purpose, now time.Time, announcement, overlap time.Duration, generate func(time.Time) (storedKey, error)) (storedKey, error) {
	fresh, err := generate(now)
	if err != nil {
		return fresh, err
	}
	fresh.activates = now.Add(announcement)
	return fresh, store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, p, now)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.activates.After(now) {
				return fmt.Errorf("a rotation is under way: the next %s signs from %s on; wait for that", p.noun(), k.activates.UTC().Format(time.RFC3339))
			}
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE retires_at <= $1`, now.UnixMilli()); err != nil { // nobody needs them any more
			return err
		}
		if _, err := tx.Exec(`UPDATE keys SET retires_at = $1 WHERE purpose = $2 AND retires_at IS NULL`,
			fresh.activates.Add(overlap).UnixMilli(), string(p)); err != nil {
			return err
		}
		return insertKey(tx, fresh)
	})
}

// stateAt is the key's state at now, where signing is the one that signs.
func (k storedKey) stateAt(now time.Time, signing string) KeyState {
	switch {
	case !k.retires.IsZero() && !now.Before(k.retires):
		return gone
	case k.activates.After(now):
		return Next
	case k.id == signing:
		return Active
	}
	return Retired
}
