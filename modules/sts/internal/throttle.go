package internal

import (
	"crypto/sha256"
	"maps"
	"time"
)

// maxTracked bounds the memory of a throttle, to some 2 MB. Only an attempt that has its turn is tracked, and it is forgotten
// after a pause: in that time even 64 processors do not derive as many passwords as there is room for.
const maxTracked = 20_000

// throttle bounds how often a key may fail: a burst of times at once, then once in each pause. It never forgets a key that has
// failures left, whatever else is tracked: where there is no room, new keys share one bucket. It is not safe for
// concurrent use.
type throttle struct {
	burst  float64
	pause  time.Duration
	keys   map[throttleKey]*bucket
	shared bucket    // of the keys for which there is no room
	swept  time.Time // when room was made last
}

func newThrottle(burst float64, pause time.Duration) *throttle {
	return &throttle{burst: burst, pause: pause, keys: map[throttleKey]*bucket{}}
}

// throttleKey is a digest of what is tracked, so that nobody makes it long.
type throttleKey [16]byte

// keyOf is the key of what the parts say together.
func keyOf(parts ...string) throttleKey {
	var digests []byte
	for _, part := range parts {
		sum := sha256.Sum256([]byte(part))
		digests = append(digests, sum[:]...)
	}
	sum := sha256.Sum256(digests)
	return throttleKey(sum[:len(throttleKey{})])
}

// bucket holds the failures of a key that are not forgotten yet, as of a moment. It leaks one in each pause.
type bucket struct {
	failures float64
	at       time.Time
}

// leak forgets what there is to forget by now. A clock that is put back makes it forget nothing.
func (b *bucket) leak(now time.Time, pause time.Duration) {
	b.failures = max(0, b.failures-max(0, float64(now.Sub(b.at))/float64(pause)))
	b.at = now
}

// find gives the bucket of a key as of now, a fresh one where the key is not tracked.
func (t *throttle) find(key throttleKey, now time.Time) (b *bucket, fresh bool) {
	b, tracked := t.keys[key]
	if !tracked {
		t.makeRoom(now)
		if len(t.keys) < maxTracked {
			return &bucket{at: now}, true
		}
		b = &t.shared
	}
	b.leak(now, t.pause)
	return b, false
}

// makeRoom forgets the keys that have no failures left, where there is no room. It looks through all of them, so it does
// that once in a pause.
func (t *throttle) makeRoom(now time.Time) {
	if len(t.keys) < maxTracked || now.Sub(t.swept).Abs() < t.pause {
		return
	}
	t.swept = now
	maps.DeleteFunc(t.keys, func(_ throttleKey, b *bucket) bool {
		b.leak(now, t.pause)
		return b.failures == 0
	})
}

// wait is how long the key has to wait for its next attempt; 0 is not at all.
func (t *throttle) wait(key throttleKey, now time.Time) time.Duration {
	b, _ := t.find(key, now)
	return time.Duration(max(0, b.failures+1-t.burst) * float64(t.pause))
}

// take counts a failure of the key, and gives the bucket that holds it.
func (t *throttle) take(key throttleKey, now time.Time) *bucket {
	b, fresh := t.find(key, now)
	if fresh {
		t.keys[key] = b
	}
	b.failures++
	return b
}
