package trust

import (
	"crypto/sha256"
	"sync"
	"time"
)

// replays remembers what must be accepted only once, for as long as it could be accepted again. It is safe for concurrent
// use. Two generations keep it bounded: what is in the older one is at least as old as a generation is long.
type replays struct {
	keep time.Duration // longer than anything is acceptable
	most int           // entries in one generation

	mu       sync.Mutex
	began    time.Time
	now, old map[[sha256.Size]byte]struct{}
}

func newReplays(keep time.Duration, most int) *replays { return &replays{keep: keep, most: most} }

// first reports whether id was not there before, and keeps it. full is told where there is no room: then nothing can be
// accepted.
func (r *replays) first(id string, at time.Time) (first, full bool) {
	digest := sha256.Sum256([]byte(id))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil || at.Sub(r.began).Abs() >= r.keep {
		r.old, r.now, r.began = r.now, map[[sha256.Size]byte]struct{}{}, at
	}
	_, there := r.now[digest]
	_, before := r.old[digest]
	switch {
	case there || before:
		return false, false
	case len(r.now) >= r.most:
		return false, true
	}
	r.now[digest] = struct{}{}
	return true, false
}
