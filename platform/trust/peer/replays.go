package peer

import (
	"crypto/sha256"
	"sync"
	"time"
)

// replays remembers what must be accepted only once, for as long as it could be accepted again. Each workload has a memory of
// its own, so that none can fill that of another. It is safe for concurrent use.
type replays struct {
	keep time.Duration // longer than anything is acceptable
	most int           // entries in one generation of one workload

	mu        sync.Mutex
	workloads map[string]*generations
}

// generations are what one workload has used. Two of them keep it bounded: what is in the older one is at least as old as
// a generation is long.
type generations struct {
	began    time.Time
	now, old map[[sha256.Size]byte]struct{}
}

func newReplays(keep time.Duration, most int) *replays {
	return &replays{keep: keep, most: most, workloads: map[string]*generations{}}
}

// first reports whether the workload has not used id before, and keeps it. full is told where there is no room: then
// nothing can be accepted from it.
func (r *replays) first(workload, id string, at time.Time) (first, full bool) {
	digest := sha256.Sum256([]byte(id))
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.workloads[workload]
	if g == nil {
		g = &generations{}
		r.workloads[workload] = g
	}
	if g.now == nil || at.Sub(g.began).Abs() >= r.keep {
		g.old, g.now, g.began = g.now, map[[sha256.Size]byte]struct{}{}, at
	}
	_, there := g.now[digest]
	_, before := g.old[digest]
	switch {
	case there || before:
		return false, false
	case len(g.now) >= r.most:
		return false, true
	}
	g.now[digest] = struct{}{}
	return true, false
}
