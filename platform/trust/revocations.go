package trust

import (
	"maps"
	"math"
	"sync"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// Basis is what a token for a user stands on. Revocations are judged by it.
type Basis struct {
	Subject  string
	Grant    string    // on the strength of what it was issued, where that can end before the token: the handle of a session
	IssuedAt time.Time // by the clock of the STS, or of whoever else has issued it
}

// Ended is what has stopped to hold before its time, as the STS announces it.
type Ended struct {
	// Subjects are users of whose tokens none counts that was issued before the given time.
	Subjects map[string]time.Time
	// Grants are what no token counts any more that was issued on the strength of it.
	Grants []string
	// Before is when a token for a user must have been issued to a workload, at the earliest, to count: set where more has
	// ended than is told one by one. What users bring is not meant.
	Before time.Time
}

// Revocations are what has ended, as it is known here, and how old that knowledge is. They are safe for concurrent use; the
// zero value has none, and does not age.
type Revocations struct {
	maxAge time.Duration // 0: it does not age
	now    func() time.Time

	mu       sync.RWMutex
	subjects map[string]time.Time
	grants   map[string]struct{}
	before   time.Time
	heard    time.Time // when the STS has said last that this is all; zero: never
}

// NewRevocations makes one that is too old when nothing was heard for longer than maxAge.
func NewRevocations(maxAge time.Duration, now func() time.Time) *Revocations {
	return &Revocations{maxAge: maxAge, now: now}
}

// Announce replaces them.
func (r *Revocations) Announce(ended Ended) {
	grants := make(map[string]struct{}, len(ended.Grants))
	for _, grant := range ended.Grants {
		grants[grant] = struct{}{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subjects, r.grants, r.before = maps.Clone(ended.Subjects), grants, ended.Before
}

// Revoked reports whether a token that the STS has issued to a workload for a user does not count any more.
func (r *Revocations) Revoked(b Basis) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, ended := r.grants[b.Grant]
	return ended || b.IssuedAt.Before(r.before) || b.IssuedAt.Before(r.subjects[b.Subject])
}

// RevokedAtTheEdge reports the same of what a user brings from outside, whoever has issued it.
func (r *Revocations) RevokedAtTheEdge(b Basis) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return b.IssuedAt.Before(r.subjects[b.Subject])
}

// Heard says that what is known here was all that there was at a time, by the clock of this process.
func (r *Revocations) Heard(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = at
}

// never is the age of what was never heard.
const never = time.Duration(math.MaxInt64)

// Age is how long ago it was heard last that what is known here is all: by the time that has passed or by the calendar,
// whichever is more, since a machine that sleeps has one of them stand still. What was heard in the future was never heard.
func (r *Revocations) Age() time.Duration {
	r.mu.RLock()
	heard := r.heard
	r.mu.RUnlock()
	if heard.IsZero() {
		return never
	}
	now := r.now()
	age := max(now.Sub(heard), now.Round(0).Sub(heard.Round(0)))
	if age < 0 {
		return never
	}
	return age
}

// TooOld says why what is known here is too old to let users in by, or is nil.
func (r *Revocations) TooOld() *fault.Error {
	if r.maxAge == 0 {
		return nil
	}
	switch age := r.Age(); {
	case age <= r.maxAge:
		return nil
	case age == never:
		return fault.Retryable(tooOldRetry, "Nothing was heard from the STS yet, so nobody knows here whose tokens have been revoked. Try again in a moment.")
	default:
		return fault.Retryable(tooOldRetry, "Nothing was heard from the STS for %v, so nobody knows here whose tokens have been revoked since. Try again in a moment.", age.Truncate(time.Second))
	}
}

// tooOldRetry is when to come back: the STS is asked every second, and mostly it is being restarted.
const tooOldRetry = 5 * time.Second

// Judge judges a token for a user that the STS has issued to a workload, and that holds by itself: by what is known here to
// have ended since. what names the token to its caller. Errors are as [rpc.Profile].Verify has them.
func (r *Revocations) Judge(what string, b Basis) error {
	if tooOld := r.TooOld(); tooOld != nil {
		return tooOld
	}
	if r.Revoked(b) {
		return rpc.NotProven("%s was revoked.", what)
	}
	return nil
}
