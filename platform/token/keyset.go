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
	skipped map[int]error // why a key of the document is not used, by its index
}

// ParseKeySet reads a JWK Set. Keys that cannot be used here are skipped: symmetric and encryption keys,
// unknown curves, RSA below 2048 bits, keys without a kid, private keys, and a kid that an earlier
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
	if list.Len() == 0 {
		return nil, errors.New("the key set is empty")
	}
	s := &KeySet{skipped: map[int]error{}}
	for i, item := range list.Items() {
		key, err := parseKey(item)
		if err == nil {
			err = s.add(key)
		}
		if err != nil {
			s.skipped[i] = err
		}
	}
	if len(s.keys) == 0 {
		return nil, fmt.Errorf("the key set has no usable key; the first of %d is refused because %w", len(s.skipped), s.skipped[0])
	}
	return s, nil
}

// NewKeySet makes a set of these keys. Two of the same kid, or none at all, are an error.
func NewKeySet(keys ...Key) (*KeySet, error) {
	s := &KeySet{}
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
	if _, taken := s.Lookup(key.id); taken {
		return errors.New("an earlier key has the same kid")
	}
	s.keys = append(s.keys, key)
	return nil
}

// Lookup is the key with exactly this kid.
func (s *KeySet) Lookup(kid string) (Key, bool) {
	if s == nil {
		return Key{}, false
	}
	for _, key := range s.keys { // a few, so that this is faster than a map
		if key.id == kid {
			return key, true
		}
	}
	return Key{}, false
}

// Len is the number of usable keys.
func (s *KeySet) Len() int { return len(s.keys) }

// MarshalJSON is the set as a JWK Set with the usable keys, public members only.
func (s *KeySet) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]Key{"keys": append([]Key{}, s.keys...)})
}
