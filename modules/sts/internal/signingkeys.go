package internal

import (
	"context"
	"slices"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
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

// neverStarted is the type of the conflict where the STS has never been started, and has no keys yet.
const neverStarted = "never-started"

// activeKey gives the key that signs tokens at now.
func activeKey(tx database.Tx, now time.Time) (key token.SigningKey, err error) {
	keys, err := publishedKeys(tx, tokens, now)
	switch {
	case err != nil:
		return key, err
	case len(keys) == 0 || keys[0].activates.After(now):
		return key, fault.Conflicting(neverStarted, "the STS has no signing key yet; start `app serve` once")
	}
	return keys[0].signingKey()
}

// ListSigningKeys implements [sts.Operators].
func (o Operators) ListSigningKeys(ctx context.Context, _ sts.ListRequest) (list sts.SigningKeys, err error) {
	now := o.Now()
	keys, err := database.Read(ctx, o.Store, func(tx database.Tx) ([]storedKey, error) { return publishedKeys(tx, tokens, now) })
	for _, k := range keys {
		list.Keys = append(list.Keys, k.shown(k.stateAt(now, keys[0].id)))
	}
	return list, err
}

// shown is the key as operators see it.
func (k storedKey) shown(state sts.KeyState) sts.SigningKey {
	return sts.SigningKey{ID: k.id, Algorithm: k.algorithm, State: state, Activates: k.activates, Retires: k.retires}
}

// RotateSigningKey implements [sts.Operators].
func (o Operators) RotateSigningKey(ctx context.Context, r sts.RotateRequest) (sts.SigningKey, error) {
	k, err := rotate(ctx, o.Store, tokens, o.Now(), r, generateSigningKey)
	return k.shown(sts.KeyNext), err
}

// RevokeSigningKey implements [sts.Operators].
func (o Operators) RevokeSigningKey(ctx context.Context, r sts.RevokeSigningKeyRequest) (done sts.Done, err error) {
	now := o.Now()
	fresh, err := generateSigningKey(now)
	if err != nil {
		return done, err
	}
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, tokens, now)
		if err != nil {
			return err
		}
		revoked := slices.IndexFunc(keys, func(k storedKey) bool { return k.id == r.ID })
		if revoked < 0 {
			return fault.New(fault.NotFound, "there is no signing key %q; `app keys list` shows them all", r.ID)
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE id = $1`, r.ID); err != nil {
			return err
		}
		switch keys[revoked].stateAt(now, keys[0].id) {
		case sts.KeyNext: // nothing replaces the one that signs any more, so it does not retire either
			_, err := tx.Exec(`UPDATE keys SET retires_at = NULL WHERE id = $1`, keys[0].id)
			return err
		case sts.KeyRetired, gone:
			return nil
		case sts.KeyActive:
		}
		for _, k := range keys {
			if k.stateAt(now, r.ID) == sts.KeyNext {
				_, err := tx.Exec(`UPDATE keys SET activates_at = $1 WHERE id = $2`, now, k.id)
				return err
			}
		}
		return insertKey(tx, fresh)
	})
}
