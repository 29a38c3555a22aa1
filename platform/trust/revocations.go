package trust

import (
	"maps"
	"sync"
	"time"
)

// Revocations are the users whose tokens stopped to hold. It is safe for concurrent use; the zero value has none.
type Revocations struct {
	mu       sync.RWMutex
	subjects map[string]time.Time
}

// Announce replaces them: by subject, the time before which issued tokens do not count any more.
func (r *Revocations) Announce(subjects map[string]time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subjects = maps.Clone(subjects)
}

// Revoked reports whether a token of the subject does not count that was issued at the given time.
func (r *Revocations) Revoked(subject string, issued time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	before, listed := r.subjects[subject]
	return listed && issued.Before(before)
}
