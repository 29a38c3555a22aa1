package limits

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Turns says who of those who need a processor gets one now. Where some have to wait, the holders take turns, whatever each of
// them has asked for: who asks for one thing waits for one of everybody else's, not for all of theirs. It is safe for
// concurrent use.
type Turns struct {
	all, each int           // how many there are at once, and how many of one holder; "" is everybody who is not known
	most      time.Duration // after which a turn that others wait for is over, whatever its holder does; 0 is never

	mu      sync.Mutex
	running map[*turn]struct{}
	taking  map[string]int // turns that a holder has
	queues  []*queue       // of those who wait, in the order of their next turns
}

// turn is one that is taken.
type turn struct {
	holder string
	since  time.Time
}

// queue are the waiting requests of one holder, the first one first.
type queue struct {
	holder  string
	waiting []*waiter
}

// waiter is one of them. Its turn is there when come is closed.
type waiter struct {
	come chan struct{}
	turn *turn
}

// NewTurns makes them, of which none is taken.
func NewTurns(all, each int, most time.Duration) *Turns {
	return &Turns{all: all, each: each, most: most, running: map[*turn]struct{}{}, taking: map[string]int{}}
}

// Take waits for a turn until ctx ends, and gives its error then. done ends the turn; to call it again does nothing.
func (t *Turns) Take(ctx context.Context, holder string) (done func(), err error) {
	mine, w := t.ask(holder)
	if mine != nil {
		return func() { t.end(mine) }, nil
	}
	var overdue <-chan time.Time
	if t.most > 0 {
		ticker := time.NewTicker(t.most)
		defer ticker.Stop()
		overdue = ticker.C
	}
	for {
		select {
		case <-w.come:
			return func() { t.end(w.turn) }, nil
		case <-overdue:
			t.endOverdue()
		case <-ctx.Done():
			t.giveUp(holder, w)
			return nil, ctx.Err()
		}
	}
}

// ask gives a turn at once, or the place in the queue.
func (t *Turns) ask(holder string) (*turn, *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queues) == 0 && t.can(holder) {
		return t.begin(holder), nil
	}
	w := &waiter{come: make(chan struct{})}
	if i := t.indexOf(holder); i >= 0 {
		t.queues[i].waiting = append(t.queues[i].waiting, w)
	} else {
		t.queues = append(t.queues, &queue{holder, []*waiter{w}})
	}
	t.settle() // those before it may be at their own bound
	return nil, w
}

func (t *Turns) can(holder string) bool {
	return len(t.running) < t.all && (holder == "" || t.taking[holder] < t.each)
}

func (t *Turns) begin(holder string) *turn {
	one := &turn{holder, time.Now()}
	t.running[one] = struct{}{}
	t.taking[holder]++
	return one
}

func (t *Turns) indexOf(holder string) int {
	return slices.IndexFunc(t.queues, func(q *queue) bool { return q.holder == holder })
}

// settle gives the turns that are free.
func (t *Turns) settle() {
	for len(t.running) < t.all {
		next := slices.IndexFunc(t.queues, func(q *queue) bool { return t.can(q.holder) })
		if next < 0 {
			return
		}
		q := t.queues[next]
		t.queues = slices.Delete(t.queues, next, next+1)
		w := q.waiting[0]
		if q.waiting = q.waiting[1:]; len(q.waiting) > 0 {
			t.queues = append(t.queues, q) // behind everybody else
		}
		w.turn = t.begin(q.holder)
		close(w.come)
	}
}

func (t *Turns) end(one *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(one)
	t.settle()
}

func (t *Turns) remove(one *turn) {
	if _, runs := t.running[one]; !runs {
		return
	}
	delete(t.running, one)
	if t.taking[one.holder]--; t.taking[one.holder] == 0 {
		delete(t.taking, one.holder)
	}
}

// endOverdue ends the turns of those who wait for something else than a processor.
func (t *Turns) endOverdue() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for one := range t.running {
		if time.Since(one.since) >= t.most {
			t.remove(one)
		}
	}
	t.settle()
}

// giveUp takes a request out of its queue, or ends its turn, which has come meanwhile.
func (t *Turns) giveUp(holder string, w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.turn != nil {
		t.remove(w.turn)
		t.settle()
		return
	}
	i := t.indexOf(holder)
	q := t.queues[i]
	q.waiting = slices.DeleteFunc(q.waiting, func(one *waiter) bool { return one == w })
	if len(q.waiting) == 0 {
		t.queues = slices.Delete(t.queues, i, i+1)
	}
}

type turnKey struct{}

// WithTurn has what serves a request end its turn before it waits, see [EndTurn].
func WithTurn(ctx context.Context, done func()) context.Context {
	return context.WithValue(ctx, turnKey{}, done)
}

// EndTurn ends the turn of the request that ctx belongs to: from now on it waits for others more than it computes.
func EndTurn(ctx context.Context) {
	if done, has := ctx.Value(turnKey{}).(func()); has {
		done()
	}
}
