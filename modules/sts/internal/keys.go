package internal

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
)

// purpose is what a key signs.
type purpose string

const (
	tokens       purpose = "tokens"
	certificates purpose = "certificates"
)

// nouns are what operators call a key that signs them.
var nouns = map[purpose]string{tokens: "signing key", certificates: "private root"}

// gone is the state of a key that does not count any more.
const gone sts.KeyState = ""

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

// publishedKeys gives the keys that count at now: the active one first, then the others, the latest before the earlier.
func publishedKeys(tx database.Tx, p purpose, now time.Time) ([]storedKey, error) {
	return database.Collect(tx, scanKey, `SELECT id, purpose, algorithm, private, certificate, created_at, activates_at, retires_at FROM keys
		WHERE purpose = $1 AND (retires_at IS NULL OR retires_at > $2) ORDER BY activates_at > $2, activates_at DESC, id`, string(p), now)
}

func scanKey(row database.Row) (k storedKey, err error) {
	var private, certificate string
	if err := row.Scan(&k.id, &k.purpose, &k.algorithm, &private, &certificate, &k.created, &k.activates, &k.retires); err != nil {
		return k, err
	}
	var certificateErr error
	k.private, err = base64.StdEncoding.DecodeString(private)
	k.certificate, certificateErr = base64.StdEncoding.DecodeString(certificate)
	if err != nil || certificateErr != nil {
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
		k.created, k.activates)
	return err
}

// ensureKey makes the first key of a purpose, where there is none that signs now.
func ensureKey(ctx context.Context, store database.Store, p purpose, now time.Time, generate func(time.Time) (storedKey, error)) error {
	has := func(tx database.Tx) (bool, error) {
		keys, err := publishedKeys(tx, p, now)
		return len(keys) > 0 && !keys[0].activates.After(now), err
	}
	if there, err := database.Read(ctx, store, has); err != nil || there {
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

// rotate publishes a next key.
func rotate(ctx context.Context, store database.Store, p purpose, now time.Time, r sts.RotateRequest, generate func(time.Time) (storedKey, error)) (storedKey, error) {
	fresh, err := generate(now)
	if err != nil {
		return fresh, err
	}
	fresh.activates = now.Add(r.Announcement)
	return fresh, store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, p, now)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.activates.After(now) {
				return fault.Conflicting("rotation-under-way", "a rotation is under way: the next %s signs from %s on; wait for that", nouns[p], k.activates.Format(time.RFC3339))
			}
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE retires_at <= $1`, now); err != nil { // nobody needs them any more
			return err
		}
		if _, err := tx.Exec(`UPDATE keys SET retires_at = $1 WHERE purpose = $2 AND retires_at IS NULL`, fresh.activates.Add(r.Overlap), string(p)); err != nil {
			return err
		}
		return insertKey(tx, fresh)
	})
}

// stateAt is the key's state at now, where signing is the one that signs.
func (k storedKey) stateAt(now time.Time, signing string) sts.KeyState {
	switch {
	case !k.retires.IsZero() && !now.Before(k.retires):
		return gone
	case k.activates.After(now):
		return sts.KeyNext
	case k.id == signing:
		return sts.KeyActive
	}
	return sts.KeyRetired
}
