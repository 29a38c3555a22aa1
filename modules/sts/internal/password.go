package internal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"runtime"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"oms/platform/fault"
	"oms/platform/secret"
)

// The parameters of argon2id for new passwords: the second choice of RFC 9106 section 4 would be 64 MiB; this is
// OWASP's smallest (19 MiB, 2 passes, 1 lane), so that many at once cannot take the machine's memory. They are stored
// with each hash and can be raised at any time.
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonSalt   = 16 // bytes
	argonKey    = 32 // bytes
)

const (
	minPassword = 8    // characters: NIST SP 800-63B section 5.1.1.2
	maxPassword = 1024 // bytes: more is not a password, and hashing it is not free
)

var errPasswordLength = fault.New(fault.InvalidArgument, "a password has at least %d characters and at most %d bytes", minPassword, maxPassword)

// Hasher hashes passwords with argon2id, as many at once as there are processors: the memory of 200 sign-ins at once
// is that of a few. It is safe for concurrent use.
type Hasher struct{ slots *semaphore.Weighted }

// NewHasher makes a hasher. A process has one.
func NewHasher() *Hasher {
	return &Hasher{semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
}

// Hash gives the PHC string of a new password. It waits for a free slot until ctx ends.
func (h *Hasher) Hash(ctx context.Context, password secret.Text) (secret.Text, error) {
	if len(password) > maxPassword || utf8.RuneCountInString(password.Reveal()) < minPassword {
		return "", errPasswordLength
	}
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := h.derive(ctx, password, salt, argonPasses, argonMemory, argonLanes)
	return passwordHash{argonMemory, argonPasses, argonLanes, salt, key}.text(), err
}

// Verify reports whether password is the one that was hashed, in a time that does not depend on how it differs.
func (h *Hasher) Verify(ctx context.Context, hash, password secret.Text) (bool, error) {
	stored, err := parsePasswordHash(hash)
	if err != nil {
		return false, err
	}
	if len(password) > maxPassword {
		return false, nil
	}
	got, err := h.derive(ctx, password, stored.salt, stored.passes, stored.memory, stored.lanes)
	return err == nil && subtle.ConstantTimeCompare(got, stored.key) == 1, err
}

func (h *Hasher) derive(ctx context.Context, password secret.Text, salt []byte, passes, memory uint32, lanes uint8) ([]byte, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer h.slots.Release(1)
	return argon2.IDKey([]byte(password.Reveal()), salt, passes, memory, lanes, argonKey), nil
}
