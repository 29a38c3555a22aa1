package host_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// nearlyFull is a database on whose disk there is no room when a test says so.
type nearlyFull struct {
	database.Store
	full *atomic.Bool
}

func (s nearlyFull) Room() error {
	if s.full.Load() {
		return fault.Retryable(time.Second, "The disk is nearly full.")
	}
	return nil
}

var keeper = identity.With(context.Background(), identity.Principal{Subject: "keeper", Scopes: identity.NewScopes(inventory.ManageInventory)})

func (s *system) adjust(delta int64) error {
	_, err := s.stock.Adjust(keeper, inventory.AdjustRequest{Category: "books", Code: "a", Delta: delta, Reason: "counted"})
	return err
}

func TestWithoutRoomWhatAddsIsPutOffAndWhatReadsOrFreesGoesOn(t *testing.T) {
	var orders, stock atomic.Bool
	s := open(t, t.TempDir(), storeWrappers{
		orders: func(db database.Store) database.Store { return nearlyFull{db, &orders} },
		stock:  func(db database.Store) database.Store { return nearlyFull{db, &stock} },
	})
	keyed := func(key string, qty int64) error {
		_, err := s.orders.Create(alice, order.CreateRequest{Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: qty}}, IdempotencyKey: key})
		return err
	}
	mustBe(t, "create", s.create("1", 2), "")
	mustBe(t, "create", s.create("2", 2), "")
	s.link.intercept(inventoryAway, nil)
	mustBe(t, "an order that is accepted and not settled", s.create("3", 1), fault.Unavailable)
	s.link.intercept(nil, nil)

	orders.Store(true)
	if failure := mustBe(t, "create", s.create("4", 1), fault.Unavailable); failure.RetryAfter <= 0 {
		t.Errorf("fault %+v", failure)
	}
	mustBe(t, "an order without an id", s.create("", 1), fault.Unavailable)
	mustBe(t, "an order with a key", keyed("k", 1), fault.Unavailable)
	mustBe(t, "a refusal that would be remembered", keyed("k", 99), fault.Unavailable)
	mustBe(t, "a refusal that is not remembered", s.create("4", 99), fault.Conflict)
	mustBe(t, "an order of before, again", s.create("1", 2), "")
	mustBe(t, "update", s.update("1", 3), fault.Unavailable)
	mustBe(t, "an update to what it is", s.update("2", 3), fault.Unavailable)
	s.settleAll(t)
	if got := s.status(t, "3"); got != order.StatusConfirmed {
		t.Errorf("what was accepted is %s", got)
	}
	mustBe(t, "cancel", s.cancel("1"), "")
	s.prune(t)

	orders.Store(false)
	stock.Store(true)
	mustBe(t, "adjust", s.adjust(1), fault.Unavailable)
	mustBe(t, "create, and the inventory has no room", s.create("5", 1), fault.Unavailable)
	mustBe(t, "cancel", s.cancel("2"), "")
	s.mustBeAvailable(t, "a", 9)
	if got := s.status(t, "5"); got != order.StatusPending {
		t.Errorf("what the inventory has no room for is %s", got)
	}
	stock.Store(false)
	s.settleAll(t)
	if got := s.status(t, "5"); got != order.StatusConfirmed {
		t.Errorf("with room again it is %s", got)
	}
	s.mustBeAvailable(t, "a", 8)
	s.mustAgree(t)
}

// smallDisk is a file system of its own in memory, of a size that it cannot exceed.
func smallDisk(t *testing.T, bytes int) (directory string) {
	t.Helper()
	directory = t.TempDir()
	if err := unix.Mount("tmpfs", directory, "tmpfs", 0, "size="+strconv.Itoa(bytes)); err != nil {
		t.Skip("a small file system takes the right to mount one:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(directory, 0); err != nil {
			t.Error(err)
		}
	})
	return directory
}

// mib is a mebibyte.
const mib = 1 << 20

func TestASmallDiskIsNeverFull(t *testing.T) {
	const size, least = 20 * mib, 8 * mib
	s := open(t, smallDisk(t, size), storeWrappers{minFree: least})
	mustBe(t, "adjust", s.adjust(1_000_000), "")
	var ids []string
	var failure *fault.Error
	for failure == nil {
		created, err := s.orders.Create(alice, order.CreateRequest{Name: strings.Repeat("n", 200), Items: order100("a", 1)})
		switch failure = fault.From(err); {
		case failure == nil:
			ids = append(ids, created.ID)
		case !strings.Contains(failure.Detail, "nearly full") && failure.Code == fault.Unavailable: // a busy machine: it is withdrawn
			failure = nil
		}
	}
	least1, _ := s.ordersDB.Free()
	t.Logf("%d orders of 100 items until %v, with %d MiB free", len(ids), failure, least1/mib)
	if len(ids) < 100 || failure.Code != fault.Unavailable {
		t.Fatalf("%d orders, then %v", len(ids), failure)
	}
	if least1 < least/2 {
		t.Errorf("only %d bytes were left when it was noticed", least1)
	}
	mustBe(t, "the list", errorOfList(s), "")
	for _, id := range ids {
		mustBe(t, "cancel "+id, s.cancel(id), "")
	}
	s.settleAll(t)
	s.mustBeAvailable(t, "a", 1_000_010)
	s.clock.advance(91 * day)
	s.prune(t)
	s.mustAgree(t)
	if !eventually(t, func() bool { return s.ordersDB.Room() == nil && s.stockDB.Room() == nil }) {
		t.Error("the pages are not given back, or that is not noticed")
	}
	mustBe(t, "create, with room again", s.create("again", 1), "")
	s.mustAgree(t)
}

func errorOfList(s *system) error {
	_, err := s.orders.List(alice, order.ListRequest{})
	return err
}
