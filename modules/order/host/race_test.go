package host_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"oms/modules/order"
	"oms/platform/database"
)

// stepper lets a test do something between two steps of the module on its database.
type stepper struct {
	database.Store
	mu     sync.Mutex
	before func() // once, before the next Write
	after  func() // once, after skip more Writes
	skip   int
}

func (s *stepper) Write(ctx context.Context, work func(database.Tx) error) error {
	s.mu.Lock()
	before := s.before
	s.before = nil
	s.mu.Unlock()
	if before != nil {
		before()
	}
	err := s.Store.Write(ctx, work)
	s.mu.Lock()
	var after func()
	if s.after != nil {
		if s.skip == 0 {
			after, s.after = s.after, nil
		}
		s.skip--
	}
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return err
}

func (s *stepper) beforeNext(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = do
}

func (s *stepper) afterNext(skip int, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skip, s.after = skip, do
}

func openStepwise(t *testing.T) (*system, *stepper) {
	t.Helper()
	steps := &stepper{}
	s := open(t, t.TempDir(), storeWrappers{
		orders: func(db database.Store) database.Store { steps.Store = db; return steps },
		stock:  func(db database.Store) database.Store { return db },
	})
	return s, steps
}

// At the deadline the relay withdraws an order; inventory's answer to a request that began before is recorded first.
func TestAnOrderThatIsConfirmedWhileItIsWithdrawnKeepsItsStock(t *testing.T) {
	s, steps := openStepwise(t)
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "create", s.create("1", 2), "unavailable")
	answered, proceed, created := make(chan bool), make(chan bool), make(chan error, 1)
	var once sync.Once
	s.link.intercept(nil, func(context.Context, string) error {
		once.Do(func() {
			close(answered)
			<-proceed
		})
		return nil
	})
	go func() { created <- s.create("1", 2) }()
	<-answered
	s.clock.advance(2 * time.Hour) // beyond the deadline
	steps.beforeNext(func() {
		close(proceed)
		mustBe(t, "the request again", <-created, "")
	})
	if _, err := s.module.SettleDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.settleAll(t)
	if got := s.status(t, "1"); got != order.StatusConfirmed {
		t.Errorf("status %q, want confirmed", got)
	}
	s.mustBeAvailable(t, "a", 8)
	s.mustAgree(t)
}

// What an update is told is how that update ended, whatever came after it.
func TestAnUpdateIsAnsweredForItselfWhenAnotherFollowsAtOnce(t *testing.T) {
	for name, follow := range map[string]struct {
		first int64
		do    func(*system) error
	}{
		"another update":            {0, func(s *system) error { return s.update("1", 4) }},
		"another after a refusal":   {99, func(s *system) error { return s.update("1", 4) }},
		"a cancellation":            {0, func(s *system) error { return s.cancel("1") }},
		"one that inventory delays": {0, func(s *system) error { s.link.intercept(inventoryAway, nil); _ = s.update("1", 4); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			s, steps := openStepwise(t)
			mustBe(t, "create", s.create("1", 2), "")
			if follow.first > 0 {
				s.link.interceptChecks(inventoryAway) // otherwise it would be refused before it begins
				mustBe(t, "an update that is refused", s.update("1", follow.first), "conflict")
			}
			steps.afterNext(1, func() { mustBe(t, "what follows", follow.do(s), "") })
			mustBe(t, "update", s.update("1", 3), "")
			s.link.intercept(nil, nil)
			s.settleAll(t)
			s.mustAgree(t)
		})
	}
}

// A refusal is told to the request that was refused, not to one that was granted before.
func TestARefusedUpdateIsAnsweredForItselfWhenAnotherFollowsAtOnce(t *testing.T) {
	s, steps := openStepwise(t)
	mustBe(t, "create", s.create("1", 2), "")
	s.link.interceptChecks(inventoryAway) // otherwise it would be refused before it begins
	steps.afterNext(1, func() { mustBe(t, "a good update", s.update("1", 3), "") })
	if failure := mustBe(t, "update", s.update("1", 99), "conflict"); failure.Type != "out-of-stock" {
		t.Errorf("type %q", failure.Type)
	}
	s.mustAgree(t)
}
