package limits

import (
	"crypto/sha256"
	"maps"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Class is a kind of requests that are counted together.
type Class string

// The classes.
const (
	SignIn Class = "sign-in"
	Token  Class = "token"
	Write  Class = "write"
	Read   Class = "read"
)

// kind says what a bucket belongs to.
type kind byte

const (
	user     kind = iota // somebody who has proven who they are
	address              // requests that bring no credential
	unproven             // requests whose credential proved nothing: apart, so that they who bring none do not use it up
)

// bucketKey is whose bucket it is. It is small whatever a subject looks like.
type bucketKey struct {
	class Class
	kind  kind
	who   [16]byte // of a SHA-256
}

func keyOf(class Class, kind kind, who string) bucketKey {
	sum := sha256.Sum256([]byte(who))
	return bucketKey{class, kind, [16]byte(sum[:])}
}

const (
	// maxBuckets bounds the memory: some 150 bytes each, 10 MB in all.
	maxBuckets = 65_536
	// lookAgain is how long it is not looked for full buckets again after none was found: looking takes milliseconds, and
	// whoever sends from ever new addresses would have it done for each.
	lookAgain = 100 * time.Millisecond
)

// Refusal says that somebody has come too often.
type Refusal struct {
	Class      Class
	Policy     Rate          // what this one may have
	RetryAfter time.Duration // when the next request would be let in
}

// Rates are token buckets for everybody who comes. They are safe for concurrent use.
//
// The table of buckets is bounded. Full ones are dropped first: whoever comes back gets a full one. A bucket that still
// limits is never dropped for a newcomer: where nothing else is left, newcomers share one bucket of their class.
type Rates struct {
	settings RateSettings
	now      func() time.Time
	most     int

	mu      sync.Mutex
	buckets map[bucketKey]*rate.Limiter
	shared  map[bucketKey]*rate.Limiter // for newcomers, without whose
	looked  time.Time                   // when no full bucket was found
}

// NewRates makes a table without buckets.
func NewRates(settings RateSettings, now func() time.Time) *Rates {
	return &Rates{settings: settings, now: now, most: maxBuckets, buckets: map[bucketKey]*rate.Limiter{}, shared: map[bucketKey]*rate.Limiter{}}
}

// User takes one request of a user; the refusal is nil where it is let in.
func (r *Rates) User(class Class, subject string) *Refusal { return r.take(class, user, subject) }

// Address takes one request that brings no credential.
func (r *Rates) Address(class Class, key string) *Refusal { return r.take(class, address, key) }

// Unproven takes one request that has brought a credential which proved nothing; it has been answered already.
func (r *Rates) Unproven(class Class, key string) { r.take(class, unproven, key) }

// MayProve says whether a credential from this address is looked at: not while too many of them have proved nothing.
func (r *Rates) MayProve(class Class, key string) *Refusal {
	if !r.settings.Enabled {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now, policy := r.now(), r.policy(class, unproven)
	if bucket := r.buckets[keyOf(class, unproven, key)]; bucket != nil && bucket.TokensAt(now) < 1 {
		return refusal(class, policy, bucket, now)
	}
	return nil
}

func (r *Rates) take(class Class, kind kind, who string) *Refusal {
	if !r.settings.Enabled {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now, policy := r.now(), r.policy(class, kind)
	bucket := r.bucket(keyOf(class, kind, who), policy, now)
	if bucket.AllowN(now, 1) {
		return nil
	}
	return refusal(class, policy, bucket, now)
}

// policy is what one of a kind may have.
func (r *Rates) policy(class Class, kind kind) Rate {
	switch class {
	case SignIn: // nobody is a user yet
		return r.settings.SignIn
	case Token:
		return r.settings.Token
	case Write:
		if kind == user {
			return r.settings.Write
		}
		return r.settings.Write.half()
	case Read:
	}
	if kind == user {
		return r.settings.Read
	}
	return r.settings.Read.half()
}

// bucket is the one of a key, which is made where there is none and room for it.
func (r *Rates) bucket(key bucketKey, policy Rate, now time.Time) *rate.Limiter {
	if bucket := r.buckets[key]; bucket != nil {
		return bucket
	}
	in := r.buckets
	if !r.room(now) {
		in, key.who = r.shared, [16]byte{}
	}
	bucket := in[key]
	if bucket == nil {
		bucket = rate.NewLimiter(rate.Limit(policy.PerSecond), int(policy.Burst))
		in[key] = bucket
	}
	return bucket
}

// room drops full buckets where there is no room, and says whether there is any.
func (r *Rates) room(now time.Time) bool {
	if len(r.buckets) < r.most {
		return true
	}
	if now.Sub(r.looked) < lookAgain {
		return false
	}
	maps.DeleteFunc(r.buckets, func(_ bucketKey, bucket *rate.Limiter) bool { return bucket.TokensAt(now) >= float64(bucket.Burst()) })
	if len(r.buckets) < r.most {
		return true
	}
	r.looked = now
	return false
}

func refusal(class Class, policy Rate, bucket *rate.Limiter, now time.Time) *Refusal {
	missing := 1 - bucket.TokensAt(now)
	return &Refusal{class, policy, time.Duration(math.Ceil(missing / float64(policy.PerSecond) * float64(time.Second)))}
}
