package peer

import (
	"slices"
	"sync"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
)

const (
	// sendAgain is how often a callee is told keys that it should know.
	sendAgain = 10 * time.Minute
	// sendFor is for how long every attempt tells them after a refusal: a refused call has one other attempt, which may
	// overtake those of others. It is longer than a call has time for both.
	sendFor = 15 * time.Second
)

// noncePointer names the field of a refusal in which a callee tells its nonce.
const noncePointer = "/nonce"

// callees are what the workloads of this process know of those that they call. It is safe for concurrent use.
type callees struct {
	now func() time.Time

	mu    sync.Mutex
	known map[string]callee // by caller and callee
}

// callee is what a caller knows of a callee.
type callee struct {
	nonces  []string // what the callee's processes want to find in proofs since they were started, the latest last
	keys    string   // that it was told last
	told    time.Time
	refused time.Time // when it did not accept a proof; zero: it never did
}

func newCallees(now func() time.Time) *callees {
	return &callees{now: now, known: map[string]callee{}}
}

// next gives the nonces of the callee's processes for the next proof, and reports whether the keys are sent with it: at
// first, when they have changed, when it has refused a proof, and now and then.
func (c *callees) next(call *rpc.Call, keys string) (nonces []string, send bool) {
	now, key := c.now(), call.Caller+" "+call.Callee
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[key]
	if known.keys == keys && now.Sub(known.told).Abs() < sendAgain && now.Sub(known.refused).Abs() >= sendFor {
		return known.nonces, false
	}
	known.keys, known.told = keys, now
	c.known[key] = known
	return known.nonces, true
}

// refused learns from a refusal: the nonce of one of the callee's processes, and that it may not know the keys.
func (c *callees) refused(call *rpc.Call, refusal *fault.Error) {
	key := call.Caller + " " + call.Callee
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[key]
	known.refused = c.now()
	for _, field := range refusal.Fields {
		if field.Pointer == noncePointer && len(field.Detail) <= maxNonce {
			known.nonces = remember(known.nonces, field.Detail)
		}
	}
	c.known[key] = known
}

// remember adds a nonce to those that are known, and forgets the one that was heard first where there are too many: of
// processes that were started anew.
func remember(nonces []string, nonce string) []string {
	if slices.Contains(nonces, nonce) {
		return nonces
	}
	more := append(slices.Clone(nonces), nonce) // the others are in use
	return more[max(0, len(more)-maxNonces):]
}

// maxNonces is how many processes of one callee a caller can know at a time: more than there are of any module.
const maxNonces = 16

// maxNonce is the longest nonce that is taken from a callee, in bytes; ours have 26.
const maxNonce = 128
