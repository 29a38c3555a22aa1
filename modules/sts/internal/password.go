package internal

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"oms/platform/fault"
	"oms/platform/limits"
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

const (
	// hashTime is what one derivation takes on a machine of today, about.
	hashTime = 40 * time.Millisecond
	// longestQueue is how long a queue of sign-ins may become: who waits for longer tries again, or has gone.
	longestQueue = 2 * time.Second
	queueFor     = int64(longestQueue / hashTime) // sign-ins that wait, for each derivation at a time
)

// Hasher hashes passwords with argon2id, on half of the processors at most: the others are there for those who are signed
// in, and the memory of 1,000 sign-ins at once is that of a few. Sign-ins have a queue, which is short; new passwords, which
// operators set, wait for their turn outside it. It is safe for concurrent use.
type Hasher struct {
	turns  *semaphore.Weighted // one for each derivation at a time
	places *semaphore.Weighted // one for each sign-in that has its turn or waits for it
	derive func(password, salt []byte, passes, memory uint32, lanes uint8, length uint32) []byte
}

// NewHasher makes a hasher. A process has one.
func NewHasher() *Hasher {
	turns := int64(max(1, limits.Processors()/2))
	return &Hasher{semaphore.NewWeighted(turns), semaphore.NewWeighted(turns + turns*queueFor), argon2.IDKey}
}

// errQueueIsFull answers who would have to wait for longer than the queue.
var errQueueIsFull = fault.Retryable(longestQueue, "Very many people are signing in at this moment. Try again in a few seconds.")

// turn waits in the queue for a sign-in's turn, and ends with done. A full queue is refused at once, with unavailable; who
// goes away while waiting, so that ctx ends, leaves it.
func (h *Hasher) turn(ctx context.Context) (done func(), err error) {
	if !h.places.TryAcquire(1) {
		return nil, errQueueIsFull
	}
	if err := h.turns.Acquire(ctx, 1); err != nil {
		h.places.Release(1)
		return nil, err
	}
	return func() { h.turns.Release(1); h.places.Release(1) }, nil
}

// Hash gives the PHC string of a new password. It waits for its turn until ctx ends.
func (h *Hasher) Hash(ctx context.Context, password secret.Text) (secret.Text, error) {
	if len(password) > maxPassword || utf8.RuneCountInString(password.Reveal()) < minPassword {
		return "", errPasswordLength
	}
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	if err := h.turns.Acquire(ctx, 1); err != nil {
		return "", err
	}
	defer h.turns.Release(1)
	key := h.derive([]byte(password.Reveal()), salt, argonPasses, argonMemory, argonLanes, argonKey)
	return passwordHash{argonMemory, argonPasses, argonLanes, salt, key}.text(), nil
}

// verify reports whether password is the one that was hashed, by exactly one derivation, whatever the password is: of one
// that is too long a part of the longest good length is derived, and refused. The caller has a turn. What it costs follows
// from the parameters in the hash, which are those of new passwords for every user (see [argonMemory]): a hash with others,
// from before they were raised, would tell by time that there is such a user, until the password is set anew.
func (h *Hasher) verify(hash, password secret.Text) (bool, error) {
	stored, err := parsePasswordHash(hash)
	if err != nil {
		return false, err
	}
	possible := []byte(password.Reveal())
	got := h.derive(possible[:min(len(possible), maxPassword)], stored.salt, stored.passes, stored.memory, stored.lanes, argonKey)
	return subtle.ConstantTimeCompare(got, stored.key) == 1 && len(possible) <= maxPassword, nil
}
