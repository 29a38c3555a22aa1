package host_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"oms/modules/order"
	"oms/modules/order/host"
	"oms/platform/fault"
)

func TestWithoutInventoryAnOrderIsPendingAndTheRelayConfirmsIt(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(inventoryAway, nil)
	s.link.interceptChecks(inventoryAway)
	failure := mustBe(t, "create", s.create("1", 2), fault.Unavailable)
	if failure.RetryAfter == 0 || !strings.Contains(failure.Detail, "Repeat the request") {
		t.Errorf("the fault does not say what to do: %+v", failure)
	}
	if got := s.status(t, "1"); got != order.StatusPending {
		t.Errorf("status %q, want pending", got)
	}
	mustBe(t, "the request again, still without inventory", s.create("1", 2), fault.Unavailable)
	mustBe(t, "update of a pending order", s.update("1", 3), fault.Unavailable)
	mustBe(t, "cancellation of a pending order", s.cancel("1"), fault.Unavailable)
	s.settleAll(t)
	if got := s.status(t, "1"); got != order.StatusPending {
		t.Errorf("status %q after failed attempts, want pending", got)
	}
	s.link.intercept(nil, nil)
	s.settleAll(t)
	if got := s.status(t, "1"); got != order.StatusConfirmed {
		t.Errorf("status %q, want confirmed", got)
	}
	mustBe(t, "the request again", s.create("1", 2), "")
	s.mustBeAvailable(t, "a", 8)
	s.mustAgree(t)
}

func TestALostAnswerHasOneEffect(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(nil, inventoryAway)
	mustBe(t, "create", s.create("1", 2), fault.Unavailable)
	s.mustBeAvailable(t, "a", 8)
	s.settleAll(t)
	s.link.intercept(nil, nil)
	mustBe(t, "the request again", s.create("1", 2), "")
	s.settleAll(t)
	s.mustBeAvailable(t, "a", 8)
	s.mustAgree(t)
}

func TestAnOrderThatNobodyCanAskAboutIsWithdrawn(t *testing.T) {
	for name, cut := range map[string][2]hook{"request lost": {inventoryAway, nil}, "answer lost": {nil, inventoryAway}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), storeWrappers{})
			s.link.intercept(cut[0], cut[1])
			mustBe(t, "create", s.create("", 2), fault.Unavailable)
			s.link.intercept(nil, nil)
			s.settleAll(t)
			page, err := s.orders.List(alice, order.ListRequest{})
			if err != nil || len(page.Data) != 1 || page.Data[0].Status != order.StatusExpired {
				t.Errorf("orders %+v, %v; want one that has expired", page.Data, err)
			}
			s.mustBeAvailable(t, "a", 10)
			s.mustAgree(t)
		})
	}
}

func TestAKeyNamesItsRequestForADay(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	place := func() (string, error) {
		created, err := s.orders.Create(alice, order.CreateRequest{Name: "An order", Items: []order.Item{{Category: "books", Code: "a", Qty: 1}}, IdempotencyKey: "k"})
		return created.ID, err
	}
	s.link.intercept(inventoryAway, nil)
	_, err := place()
	mustBe(t, "place", err, fault.Unavailable)
	s.clock.advance(2 * time.Hour)
	s.link.intercept(nil, nil)
	s.settleAll(t) // expired: that was no answer
	first, err := place()
	mustBe(t, "the same again", err, "")
	s.clock.advance(23 * time.Hour)
	if again, err := place(); err != nil || again != first {
		t.Errorf("within the day: %v, %v; want %v", again, err, first)
	}
	s.clock.advance(2 * time.Hour) // it begins with the first request
	if again, err := place(); err != nil || again == first {
		t.Errorf("after a day: %v, %v; want another order", again, err)
	}
	s.mustBeAvailable(t, "a", 8)
	s.mustAgree(t)
}

func TestAnAnswerAfterTheCallersTimeDoesNotConfirmBehindItsBack(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	ctx, cancel := context.WithCancel(alice)
	s.link.intercept(nil, func(ctx context.Context, _ string) error {
		cancel()
		<-ctx.Done() // the service has heard of it
		return nil
	})
	_, err := s.orders.Create(ctx, order.CreateRequest{Name: "An order", Items: []order.Item{{Category: "books", Code: "a", Qty: 2}}})
	mustBe(t, "create", err, fault.Canceled)
	s.link.intercept(nil, nil)
	s.settleAll(t)
	s.mustBeAvailable(t, "a", 10)
	s.mustAgree(t)
}

func TestAnOrderExpiresAtItsDeadlineAndOnlyOnADefiniteAnswer(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(nil, inventoryAway) // inventory has reserved, order does not know
	mustBe(t, "create", s.create("1", 2), fault.Unavailable)
	s.link.intercept(inventoryAway, nil)
	s.clock.advance(2 * time.Hour)
	s.settleAll(t)
	if got := s.status(t, "1"); got != order.StatusPending {
		t.Errorf("status %q without an answer, want pending", got)
	}
	s.link.intercept(nil, nil)
	s.settleAll(t)
	if got := s.status(t, "1"); got != order.StatusExpired {
		t.Errorf("status %q, want expired", got)
	}
	s.mustBeAvailable(t, "a", 10)
	mustBe(t, "the id is free again", s.create("1", 3), "")
	s.mustAgree(t)
}

func TestAnUpdateWaitsForInventoryAndResumes(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	mustBe(t, "create", s.create("1", 2), "")
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "update", s.update("1", 3), fault.Unavailable)
	got, err := s.orders.Get(alice, order.GetRequest{ID: "1"})
	if err != nil || got.Items[0].Qty != 2 || got.Version != 2 {
		t.Errorf("the old content is not the truth any more: %+v, %v", got, err)
	}
	if failure := mustBe(t, "another update", s.update("1", 4), fault.Conflict); failure.Type != "update-in-progress" {
		t.Errorf("type %q", failure.Type)
	}
	mustBe(t, "the same update", s.update("1", 3), fault.Unavailable)
	s.link.intercept(nil, nil)
	mustBe(t, "the same update again", s.update("1", 3), "")
	s.mustBeAvailable(t, "a", 7)
	s.mustAgree(t)
}

func TestTheRelayCompletesOrDropsAnUpdate(t *testing.T) {
	for name, c := range map[string]struct{ qty, left int64 }{"completed": {3, 7}, "refused": {11, 8}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), storeWrappers{})
			mustBe(t, "create", s.create("1", 2), "")
			s.link.intercept(inventoryAway, nil)
			s.link.interceptChecks(inventoryAway)
			mustBe(t, "update", s.update("1", c.qty), fault.Unavailable)
			s.link.intercept(nil, nil)
			s.settleAll(t)
			s.mustBeAvailable(t, "a", c.left)
			s.mustAgree(t)
			mustBe(t, "an update afterwards", s.update("1", 1), "")
			s.mustAgree(t)
		})
	}
}

func TestCancellingDuringAnUpdateHasOneOutcome(t *testing.T) {
	for name, cut := range map[string][2]hook{"request lost": {inventoryAway, nil}, "answer lost": {nil, inventoryAway}} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), storeWrappers{})
			mustBe(t, "create", s.create("1", 2), "")
			s.link.intercept(cut[0], cut[1])
			mustBe(t, "update", s.update("1", 3), fault.Unavailable)
			mustBe(t, "cancel", s.cancel("1"), "") // committed is cancelled, whatever inventory says
			s.link.intercept(nil, nil)
			s.settleAll(t)
			s.mustBeAvailable(t, "a", 10)
			s.mustBeAvailable(t, "b", 5)
			s.mustAgree(t)
		})
	}
}

func TestCancellingBetweenAskAndAnswerOfAnUpdate(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	mustBe(t, "create", s.create("1", 2), "")
	s.link.intercept(func(context.Context, string) error {
		s.link.intercept(nil, nil)
		return s.cancel("1") // overtakes the reserve that is on its way
	}, nil)
	if failure := mustBe(t, "update", s.update("1", 3), fault.Conflict); failure.Type != "illegal-transition" {
		t.Errorf("type %q", failure.Type)
	}
	s.settleAll(t)
	s.mustBeAvailable(t, "a", 10)
	s.mustAgree(t)
}

func TestAPoisonMessageIsGivenUpWhileOthersFlow(t *testing.T) {
	directory := t.TempDir()
	t.Run("poison", func(t *testing.T) {
		s := open(t, directory, storeWrappers{})
		s.link.intercept(func(context.Context, string) error { return errors.New("a defect") }, nil)
		mustBe(t, "create", s.create("poison", 2), fault.Unavailable)
		for range 12 {
			s.settleAll(t)
		}
		s.mustHaveBacklog(t, host.Backlog{Dead: 1})
		s.link.intercept(nil, nil)
		mustBe(t, "another order", s.create("fine", 1), "")
		s.settleAll(t)
		if got := s.status(t, "poison"); got != order.StatusPending {
			t.Errorf("status %q, want pending", got)
		}
	})
	t.Run("a restart submits it again", func(t *testing.T) {
		s := open(t, directory, storeWrappers{})
		s.settleAll(t)
		if got := s.status(t, "poison"); got != order.StatusConfirmed {
			t.Errorf("status %q, want confirmed", got)
		}
		s.mustAgree(t)
	})
}

func TestInventoryBeingAwayNeverGivesAMessageUp(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "create", s.create("1", 2), fault.Unavailable)
	for range 10 {
		s.settleAll(t)
	}
	s.mustHaveBacklog(t, host.Backlog{Waiting: 1})
}

func (s *system) mustHaveBacklog(t *testing.T, want host.Backlog) {
	t.Helper()
	if got, err := s.module.Backlog(t.Context()); err != nil || got != want {
		t.Errorf("backlog %+v, %v; want %+v", got, err, want)
	}
}

// A pass says whether more is due, so that the relay does not rest before everything is told.
func TestSettleDueSaysWhetherMoreIsDue(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(inventoryAway, nil)
	const orders = 250 // more than two passes' worth
	for i := range orders {
		mustBe(t, "create", s.create(strconv.Itoa(i), 1), fault.Unavailable)
	}
	s.link.intercept(nil, nil)
	s.clock.advance(time.Minute)
	var passes []bool
	for more := true; more && len(passes) < orders; passes = append(passes, more) {
		var err error
		if more, err = s.module.SettleDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if want := []bool{true, true, false}; !slices.Equal(passes, want) {
		t.Errorf("passes said %v, want %v", passes, want)
	}
	s.mustHaveBacklog(t, host.Backlog{})
	s.mustAgree(t)
}
