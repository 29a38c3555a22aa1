package limits

import (
	"context"
	"errors"
	"sync"
	"time"

	"oms/platform/fault"
)

// Rank is how early a request is refused when the budget runs out.
type Rank int

// The ranks, from the one that is refused first.
const (
	Least     Rank = iota // of strangers, where they are hardly expected
	Dear                  // answers with many parts: lists
	SigningIn             // forms with passwords, each of which is long work
	Ordinary              // whatever changes something
	Cheap                 // reads by an id
)

// portions are how much of the budget may be in use, in eighths, for a request of each rank to be let in. What dear
// requests leave is there for the others at once, and cheap ones always find something.
var portions = [...]int64{Least: 1, Dear: 4, SigningIn: 6, Ordinary: 6, Cheap: 8}

// owned are how much of it the requests of a rank can hold together, in eighths: what waits for a processor takes nothing from
// what does not.
var owned = [...]int64{Least: 1, Dear: 8, SigningIn: 1, Ordinary: 8, Cheap: 8}

// share is the part of a budget that one address, or one user, can hold: a quarter, so that it takes four to use it up.
const share = 4

// Base is what a request takes before anything of it is known: the stack of its goroutine, its head and buffers, and an
// answer of [Small].
const Base = 16 << 10

// Small is the size of an answer that is not counted apart: what a write answers. It has happened by then, and is told.
const Small = 4 << 10

// Budget is what all requests of a process may hold together, in bytes and in number. Nobody waits for it: what does not
// fit is refused at once. It is safe for concurrent use.
type Budget struct {
	whole holding
	dear  *Turns // of dear answers
	write *Turns // of what changes something

	mu      sync.Mutex
	used    holding
	ranks   [len(portions)]holding // by rank
	holders map[string]*holding    // who holds anything, by address and subject
}

// holding is what somebody holds.
type holding struct{ bytes, requests int64 }

func (h holding) plus(more holding) holding {
	return holding{h.bytes + more.bytes, h.requests + more.requests}
}

func (h holding) minus(less holding) holding {
	return holding{h.bytes - less.bytes, h.requests - less.requests}
}

// holds says whether something fits into it; one request always does.
func (h holding) holds(what holding) bool {
	return what.bytes <= h.bytes && what.requests <= max(1, h.requests)
}

// part is so many eighths of the budget.
func (b *Budget) part(eighths int64) holding {
	return holding{b.whole.bytes * eighths / 8, b.whole.requests * eighths / 8}
}

// writesAtOnce is how many writes there are at once for each processor.
const writesAtOnce = 16

// NewBudget makes one of which nothing is used.
func NewBudget(bytes, requests int64) *Budget {

	return &Budget{
		whole: holding{bytes, requests}, holders: map[string]*holding{},
		// One for each processor, of which one holder's take half: more would take memory and no less time.
		dear: NewTurns(processors, max(1, processors/2), 0),
		// Those of many that wait for the disk share a commit; more at once would wait for each other's processors.
		write: NewTurns(writesAtOnce*processors, writesAtOnce*processors, 0),
	}
}

// Used is what is in use now.
func (b *Budget) Used() (bytes, requests int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used.bytes, b.used.requests
}

// Scarce says whether more than half of it is in use.
func (b *Budget) Scarce() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used.bytes > b.whole.bytes/2 || b.used.requests > b.whole.requests/2
}

// Share is what one request holds. Whoever has entered leaves, whatever happens. It is safe for concurrent use; a nil
// Share is one that nobody counts.
type Share struct {
	budget *Budget
	rank   Rank
	who    []string
	bytes  int64
}

// Enter begins a request, which holds [Base] from now on. who is the address that it comes from; "" is nobody's in
// particular, such as another part of the system. The error is a *fault.Error: unavailable, in a second again.
func (b *Budget) Enter(rank Rank, who string) (*Share, error) {
	s := &Share{budget: b, rank: rank}
	if who != "" {
		s.who = []string{"address " + who}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.add(holding{Base, 1}, s.who); err != nil {
		return nil, err
	}
	return s, nil
}

// For counts the request for its user too, from when that is known.
func (s *Share) For(subject string) error {
	if s == nil || subject == "" {
		return nil
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	who := "subject " + subject
	if !s.budget.fits(holding{s.bytes, 1}, who) {
		return usedUp()
	}
	s.budget.hold(holding{s.bytes, 1}, who)
	s.who = append(s.who, who)
	return nil
}

// Take takes more bytes.
func (s *Share) Take(bytes int64) error {
	if s == nil || bytes <= 0 {
		return nil
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return s.add(holding{bytes, 0}, s.who)
}

// Give gives back some of the bytes that were taken.
func (s *Share) Give(bytes int64) {
	if s == nil {
		return
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.remove(holding{min(bytes, s.bytes), 0})
}

// Leave gives everything back.
func (s *Share) Leave() {
	if s == nil {
		return
	}
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.remove(holding{s.bytes, 1})
}

// Dear waits for its turn to make a dear answer, until ctx ends; its user's, or else its address's, requests have as many
// turns as everybody else's. Those who wait are no more than the budget lets in, and hold little; done ends the turn.
func (s *Share) Dear(ctx context.Context) (done func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	return s.take(ctx, s.budget.dear)
}

// Write is the same for what changes something.
func (s *Share) Write(ctx context.Context) (done func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	return s.take(ctx, s.budget.write)
}

func (s *Share) take(ctx context.Context, turns *Turns) (done func(), err error) {
	EndTurn(ctx)
	if done, err = turns.Take(ctx, s.holder()); err != nil {
		return nil, fault.From(err)
	}
	return done, nil
}

// holder is whose request it is: the user's where that is known.
func (s *Share) holder() string {
	if len(s.who) == 0 {
		return ""
	}
	return s.who[len(s.who)-1]
}

// add takes more for a share, or nothing.
func (s *Share) add(more holding, who []string) error {
	b := s.budget
	if !b.part(portions[s.rank]).holds(b.used.plus(more)) || !b.part(owned[s.rank]).holds(b.ranks[s.rank].plus(more)) {
		return usedUp()
	}
	for _, one := range who {
		if !b.fits(more, one) {
			return usedUp()
		}
	}
	s.bytes += more.bytes
	b.used, b.ranks[s.rank] = b.used.plus(more), b.ranks[s.rank].plus(more)
	for _, one := range who {
		b.hold(more, one)
	}
	return nil
}

// fits says whether somebody may hold so much more.
func (b *Budget) fits(more holding, who string) bool {
	var has holding
	if holds := b.holders[who]; holds != nil {
		has = *holds
	}
	return holding{b.whole.bytes / share, b.whole.requests / share}.holds(has.plus(more))
}

func (b *Budget) hold(more holding, who string) {
	holds := b.holders[who]
	if holds == nil {
		holds = &holding{}
		b.holders[who] = holds
	}
	*holds = holds.plus(more)
}

func (s *Share) remove(less holding) {
	b := s.budget
	s.bytes -= less.bytes
	b.used, b.ranks[s.rank] = b.used.minus(less), b.ranks[s.rank].minus(less)
	for _, who := range s.who {
		holds := b.holders[who]
		*holds = holds.minus(less)
		if holds.requests == 0 {
			delete(b.holders, who)
		}
	}
}

// ErrUsedUp is the cause of every refusal of a budget.
var ErrUsedUp = errors.New("the budget is used up")

// usedUp is the refusal. Most requests end within a second.
func usedUp() error {
	return fault.Retryable(time.Second, "More is asked of this service than it can do at once. Try again in a moment.").Because(ErrUsedUp)
}

type shareKey struct{}

// WithShare has what serves a request find its share.
func WithShare(ctx context.Context, s *Share) context.Context {
	return context.WithValue(ctx, shareKey{}, s)
}

// ShareFrom is the share of the request that ctx belongs to, or nil.
func ShareFrom(ctx context.Context) *Share {
	s, _ := ctx.Value(shareKey{}).(*Share)
	return s
}
