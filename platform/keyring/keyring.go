// Package keyring encrypts small secrets at rest, such as private keys in a database, under keys that an operator keeps in
// a file beside it.
//
// It promises that what was encrypted is read back unchanged and in its own place, or not at all, and that no key is ever
// shown. It does not hide secrets from whoever can read the operator's file as well, or the memory of the process.
package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// Ring holds one key that encrypts, and the one that it replaces, which only decrypts. Nil is no key at all. It is
// immutable and safe for concurrent use.
type Ring struct {
	file string
	keys []key // the first one encrypts
}

// key is AES-256-GCM with a random nonce for each message; there are some tens of messages, far from the 2^32 for which
// that is safe (NIST SP 800-38D, section 8.3).
type key struct {
	id   string
	aead cipher.AEAD
}

const (
	keySize = 32 // bytes: AES-256

	// maxKeys is what replacing a key takes.
	maxKeys = 2

	// maxFile bounds what is read of a file: more than the longest good one has.
	maxFile = 4096
)

// Open reads a file of the operator's: a key of 256 bits in base64 on each line, one or two of them. The first one
// encrypts, both decrypt. A file that others could read or change is refused. Errors are one line that says what to do,
// and show nothing of what is in the file.
func Open(path string) (*Ring, error) {
	text, err := read(path)
	if err != nil {
		return nil, err
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) > maxKeys {
		return nil, fmt.Errorf("%s has more than %d lines; write the key that encrypts, and behind it the one that it replaces", path, maxKeys)
	}
	r := &Ring{file: path}
	for i, line := range lines {
		k, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of %s %w; make a key with: openssl rand -base64 %d", i+1, path, err, keySize)
		}
		if slices.ContainsFunc(r.keys, func(other key) bool { return other.id == k.id }) {
			return nil, fmt.Errorf("%s holds the same key twice; keep one line", path)
		}
		r.keys = append(r.keys, k)
	}
	return r, nil
}

// read asks the open file for its rights, so that the answer is not about another one that had the name before.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		if failed, ok := errors.AsType[*fs.PathError](err); ok {
			err = failed.Err
		}
		return nil, fmt.Errorf("cannot read the key encryption key %s: %w; bring it back, for without it nobody can read what it has encrypted", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the key encryption key %s: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("cannot read the key encryption key %s: it is not a file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("the key encryption key %s can be used by others (mode %04o); run: chmod 600 %s, and replace the key if others may have read it", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read the key encryption key %s: %w", path, err)
	}
	return text, nil
}

// parse reads a line. Its errors continue a sentence that names it.
func parse(line []byte) (key, error) {
	raw, err := base64.StdEncoding.Strict().AppendDecode(nil, line)
	switch {
	case err != nil || bytes.ContainsAny(line, "\r\n"):
		return key{}, errors.New("is not base64")
	case len(raw) != keySize:
		return key{}, fmt.Errorf("is a key of %d bits, and has to be one of %d", 8*len(raw), 8*keySize)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return key{}, fmt.Errorf("cannot be used: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, fmt.Errorf("cannot be used: %w", err)
	}
	return key{id: identify(raw), aead: aead}, nil
}

// identify names a key by 64 bits that say nothing of it: enough to tell an operator's keys apart.
func identify(raw []byte) string {
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("key id"))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Current is the id of the key that encrypts; "" without a key.
func (r *Ring) Current() string {
	if r == nil {
		return ""
	}
	return r.keys[0].id
}

// String names the keys.
func (r *Ring) String() string {
	if r == nil {
		return "no key encryption key"
	}
	text := "key encryption keys"
	for _, k := range r.keys {
		text += " " + k.id
	}
	return text + ", not shown"
}

// Format writes String for every verb.
func (r *Ring) Format(to fmt.State, _ rune) { _, _ = io.WriteString(to, r.String()) }

// Encrypt encrypts with the key of this id. The text can be decrypted only with the same place beside it, which says where
// it is kept, so that it cannot be moved.
func (r *Ring) Encrypt(id string, plain []byte, place ...string) ([]byte, error) {
	k, err := r.find(id)
	if err != nil {
		return nil, err
	}
	associated, err := bind(id, place)
	if err != nil {
		return nil, err
	}
	return k.aead.Seal(nil, nil, plain, associated), nil //nolint:gosec // it makes the nonce itself
}

// ErrChanged is what Decrypt's error is where the text is not what was encrypted, or not for this place.
var ErrChanged = errors.New("it was changed, or belongs to another place")

// Decrypt is the inverse of Encrypt. Its errors are one line that says what to do, except for [ErrChanged].
func (r *Ring) Decrypt(id string, text []byte, place ...string) ([]byte, error) {
	k, err := r.find(id)
	if err != nil {
		return nil, err
	}
	associated, err := bind(id, place)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(nil, nil, text, associated)
	if err != nil {
		return nil, ErrChanged
	}
	return plain, nil
}

// find is the key with an id.
func (r *Ring) find(id string) (key, error) {
	if r == nil {
		return key{}, fmt.Errorf("it is encrypted with the key encryption key %s, and there is none", id)
	}
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
	if i < 0 {
		return key{}, fmt.Errorf("it is encrypted with the key encryption key %s, which is not in %s; add it there as the second line", id, r.file)
	}
	return r.keys[i], nil
}

// bind is what is authenticated beside a text: the key's id and the place, as JSON, in which no two lists are the same text.
func bind(id string, place []string) ([]byte, error) {
	return json.Marshal(append([]string{id}, place...))
}
