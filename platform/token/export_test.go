package token

import "crypto"

// Skipped says why keys of the document are not used, by their index in it.
func (s *KeySet) Skipped() map[int]error { return s.skipped }

// ID is the kid.
func (k Key) ID() string { return k.id }

// Algorithm is the one algorithm that the key is for.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// Public is the *ecdsa.PublicKey, *rsa.PublicKey or ed25519.PublicKey.
func (k Key) Public() crypto.PublicKey { return k.public }
