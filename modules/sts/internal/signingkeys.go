package internal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"oms/platform/database"
	"oms/platform/token"
)

// signingAlgorithm is that of new keys: ES256 verifies everywhere, and its signatures are short.
const signingAlgorithm = token.ES256

// generateSigningKey makes a key that signs tokens from now on.
func generateSigningKey(now time.Time) (storedKey, error) {
	fresh, err := token.GenerateSigningKey(signingAlgorithm)
	if err != nil {
		return storedKey{}, err
	}
	der, err := fresh.MarshalPKCS8()
	return storedKey{id: fresh.ID(), purpose: tokens, algorithm: string(signingAlgorithm), private: der, created: now, activates: now}, err
}

// signingKey is the key itself.
func (k storedKey) signingKey() (token.SigningKey, error) {
	key, err := token.ParseSigningKey(k.private, token.Algorithm(k.algorithm))
	if err != nil || key.ID() != k.id {
		return key, k.corrupt()
	}
	return key, nil
}

// errNoSigningKey is told where the STS has never been started.
var errNoSigningKey = errors.New("the STS has no signing key yet; start `app serve` once")

// activeKey gives the key that signs tokens at now.
func activeKey(ctx context.Context, store database.Store, now time.Time) (key token.SigningKey, err error) {
	err = store.Read(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, tokens, now)
		switch {
		case err != nil:
			return err
		case len(keys) == 0 || keys[0].activates.After(now):
			return errNoSigningKey
		}
		key, err = keys[0].signingKey()
		return err
	})
	return key, err
}

// SigningKey is a key that signs tokens, as operators see it.
type SigningKey struct {
	ID        string
	Algorithm string
	State     KeyState
	Activates time.Time // when it begins to sign, or began
	Retires   time.Time // when it stops to count; zero where nothing has replaced it
}

// SigningKeys lists the keys that count.
func (a Administration) SigningKeys(ctx context.Context) (list []SigningKey, err error) {
	err = a.Store.Read(ctx, func(tx database.Tx) error {
		list = nil
		keys, err := publishedKeys(tx, tokens, a.Now())
		for _, k := range keys {
			list = append(list, SigningKey{k.id, k.algorithm, k.stateAt(a.Now(), keys[0].id), k.activates, k.retires})
		}
		return err
	})
	return list, err
}

// RotateSigningKey publishes a next key, which signs after announcement. What it replaces verifies for overlap after that.
func (a Administration) RotateSigningKey(ctx context.Context, announcement, overlap time.Duration) (SigningKey, error) {
	k, err := rotate(ctx, a.Store, tokens, a.Now(), announcement, overlap, generateSigningKey)
	return SigningKey{k.id, k.algorithm, Next, k.activates, k.retires}, err
}

// RevokeSigningKey has a key stop to count at once, with everything that it has signed. Where it was the one that signs,
// the next one does from now on, or one that is made for that. Where it was the next one, the one that signs stays.
func (a Administration) RevokeSigningKey(ctx context.Context, id string) error {
	now := a.Now()
	fresh, err := generateSigningKey(now)
	if err != nil {
		return err
	}
	return a.Store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, tokens, now)
		if err != nil {
			return err
		}
		revoked := slices.IndexFunc(keys, func(k storedKey) bool { return k.id == id })
		if revoked < 0 {
			return fmt.Errorf("there is no signing key %q; `app keys list` shows them all", id)
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE id = $1`, id); err != nil {
			return err
		}
		switch keys[revoked].stateAt(now, keys[0].id) {
		case Next: // nothing replaces the one that signs any more, so it does not retire either
			_, err := tx.Exec(`UPDATE keys SET retires_at = NULL WHERE id = $1`, keys[0].id)
			return err
		case Retired, gone:
			return nil
		case Active:
		}
		for _, k := range keys {
			if k.stateAt(now, id) == Next {
				_, err := tx.Exec(`UPDATE keys SET activates_at = $1 WHERE id = $2`, now.UnixMilli(), k.id)
				return err
			}
		}
		return insertKey(tx, fresh)
	})
}
