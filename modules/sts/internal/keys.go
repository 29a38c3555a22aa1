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
	"oms/platform/keyring"
	"oms/platform/token"
)

// purpose is what a key signs.
type purpose string

const (
	tokens    purpose = "tokens"
	workloads purpose = sts.RootOfWorkloads // the certificates with which they prove themselves
	public    purpose = sts.RootOfPublic    // the certificates of the public listener
)

// nouns are what operators call a key that signs them.
var nouns = map[purpose]string{tokens: "signing key", workloads: "private root", public: "public root"}

// signingAlgorithm is that of new keys for tokens: ES256 verifies everywhere, and its signatures are short.
const signingAlgorithm = token.ES256

// storedKey is a key that signs tokens or certificates, as it stands at the time for which it was read.
type storedKey struct {
	sts.SigningKey
	private       []byte // PKCS #8, encrypted or not
	encryptedWith string // the id of the key encryption key; "" is none
	certificate   []byte // of a root
}

// publishedKeys gives the keys that count at now: the active one first, then the others, the latest before the earlier.
func publishedKeys(tx database.Tx, p purpose, now time.Time) ([]storedKey, error) {
	keys, err := database.Collect(tx, scanKey, `SELECT purpose, id, algorithm, private, encrypted_with, certificate, activates_at, retires_at FROM keys
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
	if err := row.Scan(&k.Purpose, &k.ID, &k.Algorithm, &private, &k.encryptedWith, &certificate, &k.Activates, &k.Retires); err != nil {
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
	return fmt.Errorf("the %s %q is corrupt in the database of the STS; restore the database from a backup", nouns[purpose(k.Purpose)], k.ID)
}

// signingKey is a key for tokens itself.
func (s keyStore) signingKey(k storedKey) (token.SigningKey, error) {
	private, err := s.decrypt(k)
	if err != nil {
		return token.SigningKey{}, err
	}
	key, err := token.ParseSigningKey(private, token.Algorithm(k.Algorithm))
	if err != nil || key.ID() != k.ID {
		return key, k.corrupt()
	}
	return key, nil
}

// activeKey gives the key that signs at now, and a conflict where the STS has never been started.
func activeKey(tx database.Tx, p purpose, now time.Time) (storedKey, error) {
	keys, err := publishedKeys(tx, p, now)
	switch {
	case err != nil:
		return storedKey{}, err
	case len(keys) == 0 || keys[0].State != sts.KeyActive:
		return storedKey{}, fault.Conflicting(sts.NeverStarted, "the STS has no %s yet; start `app serve` once", nouns[p])
	}
	return keys[0], nil
}

// keyStore makes and reads the keys of one installation.
type keyStore struct {
	domain string        // the trust domain
	hosts  []string      // what the public listener is called
	ring   *keyring.Ring // what keys are encrypted under; nil: nothing
}

// ensureSigningKey makes the first key for tokens, where there is none that signs now.
func (s keyStore) ensureSigningKey(tx database.Tx, now time.Time) error {
	_, err := activeKey(tx, tokens, now)
	if fault.CodeOf(err) == fault.Conflict {
		_, err = s.add(tx, tokens, now, now)
	}
	return err
}

// add makes a key that signs from a time on.
func (s keyStore) add(tx database.Tx, p purpose, now, activates time.Time) (sts.SigningKey, error) {
	added := sts.SigningKey{Purpose: string(p), Algorithm: string(signingAlgorithm), State: sts.KeyNext, Activates: activates}
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
	case workloads, public:
		authority, err := s.newRoot(p, now)
		if err != nil {
			return added, err
		}
		added.ID, certificate = authority.Fingerprint(), authority.Certificate().Raw
		if private, err = authority.MarshalKey(); err != nil {
			return added, err
		}
	}
	private, encryptedWith, err := s.encryptLikeOthers(tx, p, added.ID, private)
	if err != nil {
		return added, err
	}
	_, err = tx.Exec(`INSERT INTO keys (purpose, id, algorithm, private, encrypted_with, certificate, created_at, activates_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(p), added.ID, added.Algorithm, base64.StdEncoding.EncodeToString(private), encryptedWith, base64.StdEncoding.EncodeToString(certificate), now, activates)
	return added, err
}

// rotate publishes a next key.
func (s keyStore) rotate(tx database.Tx, p purpose, r sts.RotateRequest, now time.Time) (sts.SigningKey, error) {
	keys, err := publishedKeys(tx, p, now)
	if err != nil {
		return sts.SigningKey{}, err
	}
	for _, k := range keys {
		if k.State == sts.KeyNext {
			return sts.SigningKey{}, fault.Conflicting(sts.RotationUnderWay, "a rotation is under way: the next %s signs from %s on; wait for that", nouns[p], k.Activates.Format(time.RFC3339))
		}
	}
	activates := now.Add(r.Announcement)
	if _, err := tx.Exec(`UPDATE keys SET retires_at = $1 WHERE purpose = $2 AND retires_at IS NULL`, activates.Add(r.Overlap), string(p)); err != nil {
		return sts.SigningKey{}, err
	}
	return s.add(tx, p, now, activates)
}

// callOff takes a next key back, which nothing was signed with. What it was to replace does not retire either.
func callOff(tx database.Tx, p purpose, next, active string) error {
	if _, err := tx.Exec(`DELETE FROM keys WHERE purpose = $1 AND id = $2`, string(p), next); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE keys SET retires_at = NULL WHERE purpose = $1 AND id = $2`, string(p), active)
	return err
}

// forgetInterval is how long a key at most stays in the database that counts no more.
const forgetInterval = time.Minute

// ForgetKeys deletes the keys that count no more, until ctx ends, so that they can be stolen from nowhere: somebody may
// still trust them outside.
func (s *Service) ForgetKeys(ctx context.Context) {
	ticker := time.NewTicker(forgetInterval)
	defer ticker.Stop()
	for {
		if err := s.forgetKeys(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "keys that count no more cannot be deleted", "cause", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// forgetKeys writes only where there is something to delete.
func (s *Service) forgetKeys(ctx context.Context) error {
	now := s.Now()
	passed, err := database.Read(ctx, s.Store, func(tx database.Tx) (passed bool, err error) {
		err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM keys WHERE retires_at <= $1)`, now).Scan(&passed)
		return passed, err
	})
	if err != nil || !passed {
		return err
	}
	return s.Store.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(`DELETE FROM keys WHERE retires_at <= $1`, now)
		return err
	})
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
	keys, err := o.keys()
	if err != nil {
		return sts.SigningKey{}, err
	}
	return database.Write(ctx, o.Store, func(tx database.Tx) (sts.SigningKey, error) { return keys.rotate(tx, tokens, r, o.Now()) })
}

// RevokeSigningKey implements [sts.Operators].
func (o Operators) RevokeSigningKey(ctx context.Context, r sts.RevokeSigningKeyRequest) (done sts.Done, err error) {
	now := o.Now()
	store, err := o.keys()
	if err != nil {
		return done, err
	}
	return done, o.Store.Write(ctx, func(tx database.Tx) error {
		keys, err := publishedKeys(tx, tokens, now)
		if err != nil {
			return err
		}
		revoked := slices.IndexFunc(keys, func(k storedKey) bool { return k.ID == r.ID })
		if revoked < 0 {
			return fault.New(fault.NotFound, "there is no signing key %q; `app keys list` shows them all", r.ID)
		}
		if keys[revoked].State == sts.KeyNext {
			return callOff(tx, tokens, r.ID, keys[0].ID)
		}
		if _, err := tx.Exec(`DELETE FROM keys WHERE purpose = $1 AND id = $2`, string(tokens), r.ID); err != nil || keys[revoked].State == sts.KeyRetired {
			return err
		}
		// The next one signs from now on, or one that is made for that.
		promoted, err := tx.Exec(`UPDATE keys SET activates_at = $1 WHERE purpose = $2 AND activates_at > $1`, now, string(tokens))
		if err == nil && promoted == 0 {
			_, err = store.add(tx, tokens, now, now)
		}
		return err
	})
}
