package internal

import (
	"encoding/base64"
	"errors"
	"fmt"

	"oms/platform/database"
	"oms/platform/keyring"
)

// openKeyStore reads the key encryption key, where there is one.
func openKeyStore(domain string, hosts []string, file string) (keyStore, error) {
	s := keyStore{domain: domain, hosts: hosts}
	if file == "" {
		return s, nil
	}
	ring, err := keyring.Open(file)
	s.ring = ring
	return s, err
}

// decrypt is the private part of a key in PKCS #8.
func (s keyStore) decrypt(k storedKey) ([]byte, error) {
	if k.encryptedWith == "" {
		return k.private, nil
	}
	if s.ring == nil {
		return nil, missing(k.encryptedWith)
	}
	private, err := s.ring.Decrypt(k.encryptedWith, k.private, k.Purpose, k.ID)
	if errors.Is(err, keyring.ErrChanged) {
		return nil, k.corrupt()
	}
	if err != nil {
		return nil, fmt.Errorf("the %s %q cannot be read: %w", nouns[purpose(k.Purpose)], k.ID, err)
	}
	return private, nil
}

// missing is one line for the operator, who has the key or has to find it.
func missing(id string) error {
	return fmt.Errorf("the keys in the database of the STS are encrypted with the key encryption key %s; set sts.key_encryption_key_file to the file that holds it", id)
}

// encryptedWith is the id of the key that all rows are encrypted with, "" where they are not; found is false where there are
// none. Rows that differ were not written by us: whoever can write to the database, but has no key, could put one of theirs
// between those that are encrypted.
func encryptedWith(tx database.Tx) (id string, found bool, err error) {
	ids, err := database.Collect(tx, database.Column[string], `SELECT DISTINCT encrypted_with FROM keys ORDER BY encrypted_with`)
	switch {
	case err != nil || len(ids) == 0:
		return "", false, err
	case len(ids) > 1:
		return "", false, errors.New("the keys in the database of the STS are not all encrypted alike, so somebody has changed them; restore the database from a backup")
	}
	return ids[0], true, nil
}

// encryptLikeOthers encrypts a new key as those are that are there: a command does so as the server has, which may not have
// been started with what is configured now.
func (s keyStore) encryptLikeOthers(tx database.Tx, p purpose, id string, private []byte) (text []byte, with string, err error) {
	with, found, err := encryptedWith(tx)
	if err != nil {
		return nil, "", err
	}
	if !found {
		with = s.ring.Current()
	}
	switch {
	case with == "":
		return private, "", nil
	case s.ring == nil:
		return nil, "", missing(with)
	}
	text, err = s.ring.Encrypt(with, private, string(p), id)
	return text, with, err
}

// mustBeCurrent refuses keys that are encrypted in another way than the server has left them.
func (s keyStore) mustBeCurrent(tx database.Tx) error {
	with, found, err := encryptedWith(tx)
	if err == nil && found && with != s.ring.Current() {
		err = errors.New("the keys in the database of the STS were replaced while it runs; restore the database from a backup")
	}
	return err
}

// encryptAll has every key encrypted with the key that encrypts now, and gives how many of them were not. It reads all of
// them, so that what is damaged is told at the start.
func (s keyStore) encryptAll(tx database.Tx) (changed int, err error) {
	if _, _, err := encryptedWith(tx); err != nil {
		return 0, err
	}
	keys, err := database.Collect(tx, scanKey, `SELECT purpose, id, algorithm, private, encrypted_with, certificate, activates_at, retires_at FROM keys ORDER BY purpose, id`)
	if err != nil {
		return 0, err
	}
	for _, k := range keys {
		private, err := s.decrypt(k)
		if err != nil {
			return 0, err
		}
		if k.encryptedWith == s.ring.Current() {
			continue
		}
		text, err := s.ring.Encrypt(s.ring.Current(), private, k.Purpose, k.ID)
		if err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`UPDATE keys SET private = $1, encrypted_with = $2 WHERE purpose = $3 AND id = $4`,
			base64.StdEncoding.EncodeToString(text), s.ring.Current(), k.Purpose, k.ID); err != nil {
			return 0, err
		}
		changed++
	}
	return changed, nil
}
