package internal

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/token"
)

// purpose is what a key signs.
type purpose string

const (
	tokens       purpose = "tokens"
	certificates purpose = "certificates"
)

// nouns are what operators call a key that signs them.
var nouns = map[purpose]string{tokens: "signing key", certificates: "private root"}

// signingAlgorithm is that of new keys for tokens: ES256 verifies everywhere, and its signatures are short.
const signingAlgorithm = token.ES256

// storedKey is a key that signs tokens or certificates, as it stands at the time for which it was read.
type storedKey struct {
	sts.SigningKey
	purpose     purpose
	private     []byte // PKCS #8
	certificate []byte // of a root
}

// publishedKeys gives the keys that count at now: the active one first, then the others, the latest before the earlier.
func publishedKeys(tx database.Tx, p purpose, now time.Time) ([]storedKey, error) {
	keys, err := database.Collect(tx, scanKey, `SELECT id, purpose, algorithm, private, certificate, activates_at, retires_at FROM keys
		WHERE purpose = $1 AND (retires_at IS NULL OR retires_at > $2) ORDER BY activates_at > $2, activates_at DESC, id`, string(p), now)
	for i := range keys {
		switch k := &keys[i]; {
		case k.Activates.After(now):
			k.State = sts.KeyNext
		case i == 0:
			k.State = sts.KeyActive
		default:
			k.State = sts.KeyRetired
		}
	}
	return keys, err
}

func scanKey(row database.Row) (k storedKey, err error) {
	var private, certificate string
	if err := row.Scan(&k.ID, &k.purpose, &k.Algorithm, &private, &certificate, &k.Activates, &k.Retires); err != nil {
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
	return fmt.Errorf("the key %q, which signs %s, is corrupt in the database of the STS; restore the database from a backup", k.ID, k.purpose)
}

// signingKey is a key for tokens itself.
func (k storedKey) signingKey() (token.SigningKey, error) {
	key, err := token.ParseSigningKey(k.private, token.Algorithm(k.Algorithm))
	if err != nil || key.ID() != k.ID {
		return key, k.corrupt()
	}
	return key, nil
}

// authority is the private root itself.
func (k storedKey) authority(domain string) (*pki.Authority, error) {
	authority, err := pki.ParseAuthority(domain, k.certificate, k.private)
	if err == nil && authority.Fingerprint() != k.ID {
		err = k.corrupt()
	}
	return authority, err
}

// activeKey gives the key that signs at now, and a conflict where the STS has never been started.
func activeKey(tx database.Tx, p purpose, now time.Time) (storedKey, error) {
	keys, err := publishedKeys(tx, p, now)
	switch {
	case err != nil:
		return storedKey{}, err
	case len(keys) == 0 || keys[0].State != sts.KeyActive:
		return storedKey{}, fault.Conflicting("never-started", "the STS has no %s yet; start `app serve` once", nouns[p])
	}
	return keys[0], nil
}

// ensureKey makes the first key of a purpose, where there is none that signs now.
func ensureKey(tx database.Tx, p purpose, domain string, now time.Time) error {
	_, err := activeKey(tx, p, now)
	if fault.CodeOf(err) == fault.Conflict {
		_, err = addKey(tx, p, domain, now, now)
	}
	return err
}

// addKey makes a key that signs from a time on.
func addKey(tx database.Tx, p purpose, domain string, now, activates time.Time) (sts.SigningKey, error) {
	added := sts.SigningKey{Algorithm: string(signingAlgorithm), State: sts.KeyNext, Activates: activates}
	var private, certificate []byte
	switch p {
	case tokens:
		key, err := token.GenerateSigningKey(signingAlgorithm)
		if err != nil {
			return added, err
		}
		added.ID = key.ID()
		if private, err = key.MarshalPKCS8(); err != nil {
			return added, err
		}
	case certificates:
		authority, err := pki.NewAuthority(domain, now)
		if err != nil {
			return added, err
		}
		added.ID, certificate = authority.Fingerprint(), authority.Certificate().Raw
		if private, err = authority.MarshalKey(); err != nil {
			return added, err
		}
	}
	_, err := tx.Exec(`INSERT INTO keys (id, purpose, algorithm, private, certificate, created_at, activates_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		added.ID, string(p), added.Algorithm, base64.StdEncoding.EncodeToString(private), base64.StdEncoding.EncodeToString(certificate), now, activates)
	return added, err
}

// listKeys gives the keys that count at now, as operators see them.
func listKeys(tx database.Tx, p purpose, now time.Time) (list []sts.SigningKey, err error) {
	keys, err := publishedKeys(tx, p, now)
	for _, k := range keys {
		list = append(list, k.SigningKey)
	}
	return list, err
}

// ListSigningKeys implements [sts.Operators].
func (o Operators) ListSigningKeys(ctx context.Context, _ sts.ListRequest) (sts.SigningKeys, error) {
	keys, err := database.Read(ctx, o.Store, func(tx database.Tx) ([]sts.SigningKey, error) { return listKeys(tx, tokens, o.Now()) })
	return sts.SigningKeys{Keys: keys}, err
}

// RotateSigningKey implements [sts.Operators].
func (o Operators) RotateSigningKey(ctx context.Context, r sts.RotateRequest) (sts.SigningKey, error) {
	return o.rotate(ctx, tokens, r)
}

// RotateRoot implements [sts.Operators].
func (o Operators) RotateRoot(ctx context.Context, r sts.RotateRequest) (sts.SigningKey, error) {
	return o.rotate(ctx, certificates, r)
}

// rotate publishes a next key.
func (o Operators) rotate(ctx context.Context, p purpose, r sts.RotateRequest) (sts.SigningKey, error) {
	now := o.Now()
	activates := now.Add(r.Announcement)
	return database.Write(ctx, o.Store, func(tx database.Tx) (next sts.SigningKey, err error) {
		keys, err := publishedKeys(tx, p, now)
		if err != nil {
			return next, err
		}
		for _, k := range keys {
			if k.State == sts.KeyNext {
				return next, fault.Conflicting("rotation-under-way", "a rotation is under way: the next %s signs from %s on; wait for that", nouns[p], k.Activates.Format(time.RFC3339))
			}
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE retires_at <= $1`, now); err != nil { // nobody needs them any more
			return next, err
		}
		if _, err := tx.Exec(`UPDATE keys SET retires_at = $1 WHERE purpose = $2 AND retires_at IS NULL`, activates.Add(r.Overlap), string(p)); err != nil {
			return next, err
		}
		return addKey(tx, p, o.Domain, now, activates)
	})
}

// RevokeSigningKey implements [sts.Operators].
func (o Operators) RevokeSigningKey(ctx context.Context, r sts.RevokeSigningKeyRequest) (done sts.Done, err error) {
	now := o.Now()
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, tokens, now)
		if err != nil {
			return err
		}
		revoked := slices.IndexFunc(keys, func(k storedKey) bool { return k.ID == r.ID })
		if revoked < 0 {
			return fault.New(fault.NotFound, "there is no signing key %q; `app keys list` shows them all", r.ID)
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE id = $1`, r.ID); err != nil {
			return err
		}
		switch keys[revoked].State {
		case sts.KeyNext: // nothing replaces the one that signs any more, so it does not retire either
			_, err = tx.Exec(`UPDATE keys SET retires_at = NULL WHERE id = $1`, keys[0].ID)
		case sts.KeyActive: // the next one signs from now on, or one that is made for that
			var promoted int64
			promoted, err = tx.Exec(`UPDATE keys SET activates_at = $1 WHERE purpose = $2 AND activates_at > $1`, now, string(tokens))
			if err == nil && promoted == 0 {
				_, err = addKey(tx, tokens, o.Domain, now, now)
			}
		case sts.KeyRetired:
		}
		return err
	})
}
