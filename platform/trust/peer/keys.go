package peer

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"oms/platform/pki"
	"oms/platform/token"
)

// maxKeys bounds how many keys a workload can have at a time: the one that signs, and those that it replaced.
const maxKeys = 8

// Key is one of a workload's own keys. The first in its file signs; the others verify until they retire.
type Key struct {
	ID      string    `json:"kid"`
	Private string    `json:"private"` // PKCS #8, base64
	Created time.Time `json:"created_at"`
	Retires time.Time `json:"retires_at,omitzero"` // zero: it signs
}

// ownKeys are a workload's own keys, in a file that nobody else can read. They are made where there are none. It is
// safe for concurrent use; a change of the file by a command is noticed within half a second.
type ownKeys struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	looked  time.Time
	seen    fs.FileInfo
	signing token.SigningKey
	ring    keyRing

	public string // the public keys as a JWK set, as they were when the file was looked at
}

// keyRing is the file of a workload's keys.
type keyRing struct {
	Keys []Key `json:"keys"`
}

// lookInterval is how often the file is looked at.
const lookInterval = 500 * time.Millisecond

// openKeys opens the keys in a file.
func openKeys(path string, now func() time.Time) (*ownKeys, error) {
	_, err := readKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = RotateKeys(path, now(), 0)
	}
	k := &ownKeys{path: path, now: now}
	if err == nil {
		err = k.look()
	}
	return k, err
}

// current is the key that signs, and the public keys as they are sent to others.
func (k *ownKeys) current() (signing token.SigningKey, public string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); now.Sub(k.looked).Abs() >= lookInterval {
		k.looked = now
		err = k.look()
	}
	if err != nil && k.public == "" {
		return signing, "", err
	}
	return k.signing, k.public, nil // what was known stays in use while the file cannot be read
}

// look reads the file where it has changed, and leaves out of the public keys what does not count any more.
func (k *ownKeys) look() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return err
	}
	if !os.SameFile(info, k.seen) || !info.ModTime().Equal(k.seen.ModTime()) {
		ring, err := readKeys(k.path)
		if err != nil {
			return err
		}
		signing, err := ring.Keys[0].signingKey(k.path)
		if err != nil {
			return err
		}
		k.seen, k.signing, k.ring = info, signing, ring
	}
	public, err := k.publicKeys()
	if err == nil {
		k.public = public
	}
	return err
}

// publicKeys is a key set (RFC 7517), in which a retired key has exp: the time from which on it does not count.
func (k *ownKeys) publicKeys() (string, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	for _, key := range k.ring.at(k.now()) {
		signing, err := key.signingKey(k.path)
		if err != nil {
			return "", err
		}
		public, err := json.Marshal(signing.Public())
		if err != nil {
			return "", err
		}
		if !key.Retires.IsZero() {
			public = fmt.Appendf(public[:len(public)-1], `,"exp":%d}`, key.Retires.Unix())
		}
		set.Keys = append(set.Keys, public)
	}
	text, err := json.Marshal(set)
	return string(text), err
}

func (w Key) signingKey(path string) (token.SigningKey, error) {
	der, err := base64.StdEncoding.DecodeString(w.Private)
	if err == nil {
		var key token.SigningKey
		if key, err = token.ParseSigningKey(der, token.ES256); err == nil && key.ID() == w.ID {
			return key, nil
		}
	}
	return token.SigningKey{}, damagedKeys(path)
}

func damagedKeys(path string) error {
	return fmt.Errorf("%s is damaged; remove it, and new keys are made as at the first start", path)
}

func readKeys(path string) (ring keyRing, err error) {
	text, err := pki.ReadSecret(path)
	if err != nil {
		return ring, err
	}
	if err := json.Unmarshal(text, &ring); err != nil || len(ring.Keys) == 0 || len(ring.Keys) > maxKeys {
		return keyRing{}, damagedKeys(path)
	}
	return ring, nil
}

func writeKeys(path string, keys []Key) error {
	text, err := json.Marshal(keyRing{keys})
	if err != nil {
		return err
	}
	return pki.WriteSecret(path, text)
}

// at are the keys that count at now, the one that signs first.
func (r keyRing) at(now time.Time) []Key {
	return slices.DeleteFunc(slices.Clone(r.Keys), func(k Key) bool { return !k.Retires.IsZero() && !now.Before(k.Retires) })
}

// lockKeys waits for the right to change a file of keys: whoever writes on the strength of what was read before could bring back
// a key that was revoked meanwhile. It locks the directory, which stays where it is while files in it are replaced.
func lockKeys(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = directory.Close() } // which gives the lock back
	if err := unix.Flock(int(directory.Fd()), unix.LOCK_EX); err != nil {
		unlock()
		return nil, fmt.Errorf("lock %s: %w", directory.Name(), err)
	}
	return unlock, nil
}

// ListKeys gives the keys of a file that count at now, the one that signs first.
func ListKeys(path string, now time.Time) ([]Key, error) {
	ring, err := readKeys(path)
	return ring.at(now), err
}

// RotateKeys makes a key that signs from now on, and gives its id. Those that signed before still count for overlap.
func RotateKeys(path string, now time.Time, overlap time.Duration) (id string, err error) {
	unlock, err := lockKeys(path)
	if err != nil {
		return "", err
	}
	defer unlock()
	ring, err := readKeys(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	keys := ring.at(now)
	if len(keys) == maxKeys {
		return "", fmt.Errorf("there are %d keys already; wait until the oldest retires at %s", len(keys), keys[len(keys)-1].Retires.UTC().Format(time.RFC3339))
	}
	for i, k := range keys {
		if k.Retires.IsZero() {
			keys[i].Retires = now.Add(overlap).UTC()
		}
	}
	return addKey(path, keys, now)
}

// addKey makes a key that signs from now on, in front of the others, which do not.
func addKey(path string, others []Key, now time.Time) (id string, err error) {
	fresh, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		return "", err
	}
	der, err := fresh.MarshalPKCS8()
	if err != nil {
		return "", err
	}
	key := Key{ID: fresh.ID(), Private: base64.StdEncoding.EncodeToString(der), Created: now.UTC()}
	return fresh.ID(), writeKeys(path, append([]Key{key}, others...))
}

// RevokeKey has a key stop to count at once. Where it was the one that signs, another is made.
func RevokeKey(path, id string, now time.Time) error {
	unlock, err := lockKeys(path)
	if err != nil {
		return err
	}
	defer unlock()
	ring, err := readKeys(path)
	if err != nil {
		return err
	}
	keys := ring.at(now)
	at := slices.IndexFunc(keys, func(k Key) bool { return k.ID == id })
	if at < 0 {
		return fmt.Errorf("there is no key %q in %s", id, path)
	}
	signed, others := keys[at].Retires.IsZero(), slices.Delete(keys, at, at+1)
	if !signed {
		return writeKeys(path, others)
	}
	_, err = addKey(path, others, now)
	return err
}
