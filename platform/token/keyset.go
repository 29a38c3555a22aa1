package token

import (
	"encoding/json"
	"errors"
	"fmt"

	"oms/platform/strictjson"
)

// KeySet is a set of public keys, each under a kid of its own. It is immutable and safe for concurrent use. A nil set
// and the zero value are empty. It marshals to a JWK Set (RFC 7517 section 5).
type KeySet struct {
	keys    []Key
	byID    map[string]int
	skipped []Skipped
}

// Skipped is a key of a document that is not used.
type Skipped struct {
	Index  int    // in the document, from 0
	KeyID  string // escaped and cut, for people only; "" when there is none
	Detail string // why, and safe for a log
}

// ParseKeySet reads a JWK Set. Keys that cannot be used here are skipped, and [KeySet.Skipped] says why: symmetric and
// encryption keys, unknown curves, RSA below 2048 bits, keys without a kid, private keys, and a kid that an earlier
// key has. base64url with padding and leading zero bytes in n are tolerated, since published sets have them.
//
// It is an error, for people to read, when the document is not a JWK Set, is longer than [MaxKeySetLength], lists more
// than [MaxKeys] keys, or has no usable key. A caller that refetches keeps the old set then.
func ParseKeySet(data []byte) (*KeySet, error) {
	if len(data) > MaxKeySetLength {
		return nil, fmt.Errorf("the key set is longer than %d bytes", MaxKeySetLength)
	}
	document, err := strictjson.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("the key set is not acceptable JSON: %w", err)
	}
	list, _ := document.Get("keys")
	if list.Kind() != strictjson.Array {
		return nil, errors.New(`the key set must be a JSON object with an array "keys" (RFC 7517 section 5)`)
	}
	if list.Len() > MaxKeys {
		return nil, fmt.Errorf("the key set lists %d keys; at most %d are accepted", list.Len(), MaxKeys)
	}
	s := &KeySet{byID: make(map[string]int, list.Len())}
	for i, item := range list.Items() {
		key, err := parseKey(item)
		if err == nil {
			err = s.add(key)
		}
		if err != nil {
			s.skipped = append(s.skipped, Skipped{Index: i, KeyID: label(item), Detail: err.Error()})
		}
	}
	if len(s.keys) == 0 {
		return nil, s.unusable()
	}
	return s, nil
}

func label(item strictjson.Value) string {
	if id := textOf(item, "kid"); id != "" {
		return quoted(id)
	}
	return ""
}

func (s *KeySet) unusable() error {
	if len(s.skipped) == 0 {
		return errors.New("the key set is empty")
	}
	first := s.skipped[0]
	return fmt.Errorf("the key set has no usable key; the first of %d is refused because %s", len(s.skipped), first.Detail)
}

// NewKeySet makes a set of these keys. Two of the same kid, or none at all, are an error.
func NewKeySet(keys ...Key) (*KeySet, error) {
	s := &KeySet{byID: make(map[string]int, len(keys))}
	for _, key := range keys {
		if err := key.algorithm.fits(key.public); err != nil {
			return nil, err
		}
		if err := s.add(key); err != nil {
			return nil, fmt.Errorf("key %s: %w", quoted(key.id), err)
		}
	}
	if len(s.keys) == 0 {
		return nil, errors.New("the key set is empty")
	}
	return s, nil
}

func (s *KeySet) add(key Key) error {
	if _, taken := s.byID[key.id]; taken {
		return errors.New("an earlier key has the same kid")
	}
	s.byID[key.id] = len(s.keys)
	s.keys = append(s.keys, key)
	return nil
}

// Lookup is the key with exactly this kid.
func (s *KeySet) Lookup(kid string) (Key, bool) {
	if s == nil {
		return Key{}, false
	}
	i, known := s.byID[kid]
	if !known {
		return Key{}, false
	}
	return s.keys[i], true
}

// Len is the number of usable keys.
func (s *KeySet) Len() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// Keys are the usable keys in the order of the document.
func (s *KeySet) Keys() []Key {
	if s == nil {
		return nil
	}
	return append([]Key(nil), s.keys...)
}

// Skipped are the keys of the document that are not used, for the log of whoever fetched it.
func (s *KeySet) Skipped() []Skipped {
	if s == nil {
		return nil
	}
	return append([]Skipped(nil), s.skipped...)
}

// MarshalJSON is the set as a JWK Set with the usable keys, public members only.
func (s *KeySet) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]Key{"keys": append([]Key{}, s.Keys()...)})
}
