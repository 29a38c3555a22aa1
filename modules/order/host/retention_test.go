package host_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/order"
	"oms/modules/order/host"
	"oms/platform/fault"
)

const day = 24 * time.Hour

// prune has both modules remove what has outlived its time.
func (s *system) prune(t *testing.T) {
	t.Helper()
	for _, pruner := range []interface {
		Pass(ctx context.Context) error
	}{s.module.Pruner(), s.stockModule.Pruner()} {
		if err := pruner.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsOverIsRemovedAfterItsTimeAndWhatLivesStays(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	named := order.CreateRequest{Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: 1}}, IdempotencyKey: "k"}
	refused := order.CreateRequest{Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: 11}}, IdempotencyKey: "refused"}
	mustBe(t, "create", s.create("cancelled", 1), "")
	mustBe(t, "create", s.create("live", 1), "")
	for qty := range int64(3) {
		mustBe(t, "update", s.update("live", qty+1), "")
	}
	mustBe(t, "cancel", s.cancel("cancelled"), "")
	_, err := s.orders.Create(alice, named)
	mustBe(t, "create by key", err, "")
	_, err = s.orders.Create(alice, refused)
	mustBe(t, "a refusal", err, fault.Conflict)
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "create", s.create("expired", 1), fault.Unavailable)
	s.clock.advance(2 * time.Hour)
	s.link.intercept(nil, nil)
	s.settleAll(t)
	if got := s.status(t, "expired"); got != order.StatusExpired {
		t.Errorf("status %q", got)
	}
	all := append(append(orderTables, "refusals", "idempotency"), "owners")
	before := rows(t, s.ordersDB, all...) + rows(t, s.stockDB, stockTables...)

	s.clock.advance(day - 3*time.Hour)
	s.prune(t)
	if after := rows(t, s.ordersDB, all...) + rows(t, s.stockDB, stockTables...); after != before {
		t.Errorf("%d of %d rows are left within a day", after, before)
	}
	s.clock.advance(4 * time.Hour)
	s.prune(t)
	if n := rows(t, s.ordersDB, "refusals", "idempotency"); n != 0 {
		t.Errorf("after a day, %d rows remember requests", n)
	}
	for _, id := range []string{"cancelled", "expired", "live"} {
		_ = s.status(t, id)
	}
	s.clock.advance(89 * day)
	s.prune(t)
	for _, id := range []string{"cancelled", "expired"} {
		_, err := s.orders.Get(admin, order.GetRequest{ID: id})
		mustBe(t, id+" after its time", err, fault.NotFound)
	}
	if got, want := rows(t, s.ordersDB, "events"), int64(5+2); got != want { // placed, confirmed and three updates; placed and confirmed
		t.Errorf("%d events of live orders, want %d", got, want)
	}
	s.mustAgree(t)
	mustBe(t, "an update of what lives", s.update("live", 1), "")
	mustBe(t, "the id of what is gone", s.create("cancelled", 1), "")
	s.settleAll(t)
	s.mustAgree(t)
}

// As long as inventory has not heard of a cancellation, its order is kept, however long that takes.
func TestAnOrderOfWhichInventoryHasStillToHearIsKept(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	mustBe(t, "create", s.create("1", 2), "")
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "cancel", s.cancel("1"), "")
	s.clock.advance(365 * day)
	s.prune(t)
	if got := s.status(t, "1"); got != order.StatusCancelled {
		t.Errorf("status %q", got)
	}
	s.link.intercept(nil, nil)
	s.settleAll(t)
	s.mustBeAvailable(t, "a", 10)
	s.prune(t)
	if n := rows(t, s.ordersDB, orderTables...); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	s.mustAgree(t)
}

func TestAnOwnerCannotHaveMoreLiveOrdersThanTheLimit(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{settings: func(s *host.Settings) { s.MaxLive = 3 }})
	for i := range 3 {
		mustBe(t, "create", s.create(strconv.Itoa(i), 1), "")
	}
	tooMany := func(what string) {
		t.Helper()
		if failure := mustBe(t, what, s.create("one-more", 1), fault.RateLimited); failure.RetryAfter <= 0 || !strings.Contains(failure.Detail, "You have 3 live orders") {
			t.Errorf("%s: the fault does not say what to do: %+v", what, failure)
		}
	}
	tooMany("a fourth")
	mustBe(t, "the first one again", s.create("0", 1), "")
	mustBe(t, "a refusal", s.create("too-large", 99), fault.Conflict)
	mustBe(t, "cancel", s.cancel("0"), "")
	mustBe(t, "cancel again", s.cancel("0"), "")
	mustBe(t, "the fourth, in place of the first", s.create("3", 1), "")
	tooMany("a fifth")
	mustBe(t, "cancel", s.cancel("1"), "")
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "a pending one", s.create("pending", 1), fault.Unavailable)
	tooMany("beside a pending one")
	s.clock.advance(2 * time.Hour)
	s.link.intercept(nil, nil)
	s.settleAll(t)
	mustBe(t, "when that has expired", s.create("4", 1), "")
	s.settleAll(t)
	s.mustAgree(t)
}

func TestTheLimitOfLiveOrdersHoldsForOrdersPlacedAtOnce(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{settings: func(s *host.Settings) { s.MaxLive = 4 }})
	var placed, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			switch err := s.create(strconv.Itoa(i), 1); fault.CodeOf(err) {
			case "":
				placed.Add(1)
			case fault.RateLimited:
				refused.Add(1)
			default:
				t.Errorf("order %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if placed.Load() != 4 || refused.Load() != 36 {
		t.Errorf("%d placed and %d refused, want 4 and 36", placed.Load(), refused.Load())
	}
	s.settleAll(t)
	s.mustAgree(t)
}

// By its id an order can be asked for with ever new keys, which are remembered for a day.
func TestKeysThatNameOneOrderAreLimited(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	place := func(key string) error {
		_, err := s.orders.Create(alice, order.CreateRequest{ID: new("1"), Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: 1}}, IdempotencyKey: key})
		return err
	}
	for i := range 10 {
		mustBe(t, "a key", place(strconv.Itoa(i)), "")
	}
	for i := range 3 {
		mustBe(t, "one more", place(fmt.Sprint("more", i)), fault.RateLimited)
	}
	mustBe(t, "one of before", place("7"), "")
	mustBe(t, "without a key", place(""), "")
	if n := rows(t, s.ordersDB, "idempotency"); n != 10 {
		t.Errorf("%d keys are remembered", n)
	}
	s.mustAgree(t)
}

// What cannot be remembered is not told as definite: a thousand refusals with keys are.
func TestRefusalsThatAreRememberedAreLimited(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	short := func(key string) error {
		_, err := s.orders.Create(alice, order.CreateRequest{Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: 11}}, IdempotencyKey: key})
		return err
	}
	const most = 1000
	for i := range most {
		if err := short(strconv.Itoa(i)); fault.CodeOf(err) != fault.Conflict {
			t.Fatal(err)
		}
	}
	mustBe(t, "one more", short("more"), fault.RateLimited)
	mustBe(t, "one of before", short("7"), fault.Conflict)
	mustBe(t, "without a key", short(""), fault.Conflict)
	mustBe(t, "one that can be had", s.create("1", 1), "")
	s.clock.advance(day)
	s.prune(t)
	mustBe(t, "a day later", short("more"), fault.Conflict)
	if n := rows(t, s.ordersDB, "refusals"); n != 1 {
		t.Errorf("%d refusals", n)
	}
}
