package host_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"oms/modules/inventory"
	"oms/modules/inventory/host"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/identity"
	"oms/platform/trust/direct"
)

var keeper = as("keeper", inventory.ManageInventory)

func as(subject string, scopes ...string) context.Context {
	return identity.With(context.Background(), identity.Principal{Subject: subject, Scopes: identity.NewScopes(scopes...)})
}

// world is an inventory with its database, whose time a test sets.
type world struct {
	store       database.Store
	hosted      *host.Hosted
	edge, order inventory.Service

	mu  sync.Mutex
	now time.Time
}

func open(t *testing.T, settings host.Settings) *world {
	t.Helper()
	w := &world{store: databasetest.Open(t, "inventory"), now: time.Now()}
	w.hosted = start(t, w.store, w.time, settings, []inventory.Product{
		{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Currency: "USD"}, Available: 10},
		{Category: "books", Code: "b", Name: "Book B", Price: inventory.Price{Currency: "USD"}, Available: 5},
	})
	w.edge, w.order = inventory.Client{Conn: direct.Conn(w.hosted.Host, "gateway")}, inventory.Client{Conn: direct.Conn(w.hosted.Host, "order")}
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(by)
}

func (w *world) adjust(t *testing.T, delta int64) {
	t.Helper()
	if _, err := w.edge.Adjust(keeper, inventory.AdjustRequest{Category: "books", Code: "a", Delta: delta, Reason: "counted"}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) reserve(t *testing.T, ctx context.Context, told, key string, quantity int64, want inventory.Outcome) inventory.Reservation {
	t.Helper()
	got, err := w.order.Reserve(ctx, inventory.ReserveRequest{Key: key, Revision: 1, By: told, Lines: []inventory.Line{{Category: "books", Code: "a", Quantity: quantity}}})
	if err != nil || got.Outcome != want {
		t.Errorf("reserving %d under %s: %+v, %v; want %s", quantity, key, got, err, want)
	}
	return got
}

func (w *world) release(t *testing.T, key string) {
	t.Helper()
	if _, err := w.order.Release(as(""), inventory.ReleaseRequest{Key: key}); err != nil {
		t.Fatal(err)
	}
}

// number is what a query of one number gives.
func (w *world) number(t *testing.T, query string) (n int64) {
	t.Helper()
	if err := w.store.Read(t.Context(), func(tx database.Tx) error { return tx.QueryRow(query).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// mustAddUp holds the products against their movements.
func (w *world) mustAddUp(t *testing.T) {
	t.Helper()
	if n := w.number(t, `SELECT count(*) FROM products p WHERE
		on_hand <> opening + (SELECT coalesce(sum(on_hand), 0) FROM movements m WHERE m.category = p.category AND m.code = p.code) OR
		reserved <> (SELECT coalesce(sum(reserved), 0) FROM movements m WHERE m.category = p.category AND m.code = p.code) OR
		reserved <> (SELECT coalesce(sum(quantity), 0) FROM reservation_lines l WHERE l.category = p.category AND l.code = p.code)`); n != 0 {
		t.Errorf("%d products do not add up", n)
	}
}

func (w *world) prune(t *testing.T) {
	t.Helper()
	if err := w.hosted.Pruner().Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mustAddUp(t)
}

const day = 24 * time.Hour

func TestWhatOldMovementsCameToIsCarriedOver(t *testing.T) {
	w := open(t, *host.DefaultSettings())
	w.reserve(t, as("alice"), "", "live", 2, inventory.Reserved)
	for i := range 120 { // more than a batch of releases, and of adjustments
		key := fmt.Sprint("over", i)
		w.reserve(t, as("alice"), "", key, 3, inventory.Reserved)
		w.adjust(t, 5)
		w.release(t, key)
		w.adjust(t, -4)
	}
	w.advance(60 * day)
	w.adjust(t, 7)
	w.reserve(t, as("alice"), "", "released later", 1, inventory.Reserved)
	w.release(t, "released later")
	before := w.number(t, `SELECT count(*) FROM movements`)
	w.prune(t)
	if n := w.number(t, `SELECT count(*) FROM movements`); n != before {
		t.Errorf("%d of %d movements are left before their time", n, before)
	}
	w.advance(30*day + time.Hour)
	w.prune(t)
	for query, want := range map[string]int64{
		`SELECT opening FROM products WHERE code = 'a'`:             10 + 120,
		`SELECT on_hand FROM products WHERE code = 'a'`:             10 + 120 + 7,
		`SELECT count(*) FROM movements`:                            4, // of the live one, of the later one two, and an adjustment
		`SELECT count(*) FROM movements WHERE reservation = 'live'`: 1,
		`SELECT count(*) FROM reservation_lines`:                    1,
		`SELECT count(*) FROM reservations`:                         1,
		`SELECT count(*) FROM answers`:                              0,
	} {
		if got := w.number(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	w.advance(365 * day)
	w.prune(t)
	if n := w.number(t, `SELECT count(*) FROM movements`); n != 1 {
		t.Errorf("%d movements, want that of the live reservation", n)
	}
	w.reserve(t, as("alice"), "", "live", 2, inventory.Reserved) // a repetition that nobody remembers has no effect all the same
	w.mustAddUp(t)
	w.release(t, "live")
	w.mustAddUp(t)
	if n := w.number(t, `SELECT reserved FROM products WHERE code = 'a'`); n != 0 {
		t.Errorf("%d are reserved", n)
	}
}

func TestATombstoneIsKeptLongerThanAMessageCanBeLate(t *testing.T) {
	w := open(t, *host.DefaultSettings())
	w.release(t, "never reserved")
	w.advance(29 * day)
	w.prune(t)
	w.reserve(t, as(""), "alice", "never reserved", 1, inventory.Released)
	w.advance(61 * day)
	w.prune(t)
	if n := w.number(t, `SELECT count(*) FROM reservations`) + w.number(t, `SELECT count(*) FROM answers`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestNobodyReservesMoreThanTheShare(t *testing.T) {
	settings := *host.DefaultSettings()
	settings.MaxShare = 45 // of 10: 5, rounded up
	w := open(t, settings)
	alice, bob, nobody := as("alice"), as("bob"), as("")
	available := func(ctx context.Context, key string, want int64) {
		t.Helper()
		got, err := w.order.Check(ctx, inventory.CheckRequest{Key: key, Lines: []inventory.Line{{Category: "books", Code: "a", Quantity: 1_000_000}}})
		if err != nil || len(got.Problems) != 1 || got.Problems[0].Available != want {
			t.Errorf("checked %+v, %v; want %d available", got, err, want)
		}
	}
	available(alice, "", 5)
	w.reserve(t, alice, "mallory", "a1", 3, inventory.Reserved) // counted for her, whatever order tells
	available(alice, "", 2)
	available(alice, "a1", 5)
	if got := w.reserve(t, alice, "mallory", "a2", 3, inventory.Refused); len(got.Problems) == 1 && got.Problems[0].Available != 2 {
		t.Errorf("%+v", got)
	}
	w.reserve(t, nobody, "alice", "a3", 2, inventory.Reserved) // by the relay, for her
	w.reserve(t, nobody, "alice", "a4", 1, inventory.Refused)
	available(bob, "", 5)
	available(bob, "a1", 3) // changing her order is within her share, of which another holds two
	w.reserve(t, bob, "", "b1", 5, inventory.Reserved)
	available(alice, "", 0)
	w.release(t, "a1")
	available(alice, "", 3)
	w.mustAddUp(t)
}
