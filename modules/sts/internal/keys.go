package internal

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"oms/platform/database"
	"oms/platform/token"
)

// signingAlgorithm is that of new keys: ES256 verifies everywhere, and its signatures are short.
const signingAlgorithm = token.ES256

// openSigningKey gives the active signing key, and makes it where there is none yet.
func openSigningKey(ctx context.Context, store database.Store, now time.Time) (token.SigningKey, error) {
	key, err := activeKey(ctx, store)
	if !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	fresh, err := token.GenerateSigningKey(signingAlgorithm)
	if err != nil {
		return fresh, err
	}
	der, err := fresh.MarshalPKCS8()
	if err != nil {
		return fresh, err
	}
	if err := store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`INSERT INTO signing_keys (kid, algorithm, private, state, created_at) VALUES ($1, $2, $3, 'active', $4) ON CONFLICT DO NOTHING`,
			fresh.ID(), string(signingAlgorithm), base64.StdEncoding.EncodeToString(der), now.UnixMilli())
		return err
	}); err != nil {
		return fresh, err
	}
	return activeKey(ctx, store) // another process may have been faster
}

// activeKey gives the key that signs, or sql.ErrNoRows.
func activeKey(ctx context.Context, store database.Store) (key token.SigningKey, err error) {
	var kid, algorithm, private string
	if err := store.Read(ctx, func(tx database.Tx) error {
		return tx.QueryRow(`SELECT kid, algorithm, private FROM signing_keys WHERE state = 'active'`).Scan(&kid, &algorithm, &private)
	}); err != nil {
		return key, err
	}
	der, err := base64.StdEncoding.DecodeString(private)
	if err == nil {
		key, err = token.ParseSigningKey(der, token.Algorithm(algorithm))
	}
	if err != nil || key.ID() != kid {
		return key, fmt.Errorf("the signing key %q in the database of the STS is corrupt; restore the database from a backup", kid)
	}
	return key, nil
}
