package host_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/order"
	"oms/modules/order/host"
	"oms/modules/order/ordertest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/direct"
)

// system is an order module and an inventory on real databases, with its parts in reach.
type system struct {
	ordersDB, stockDB *sqlite.DB
	module            *host.Hosted
	stockModule       *inventoryhost.Hosted
	orders            order.Service
	stock             inventory.Service
	link              *link  // between order and inventory
	clock             *clock // of both
	settings          host.Settings
}

// storeWrappers let a test put something between the modules and what they use, and set the order module's settings.
type storeWrappers struct {
	orders, stock func(database.Store) database.Store
	settings      func(*host.Settings)
	minFree       int64 // of both databases, in bytes
}

// open starts the system in a directory, as a process does.
func open(t testing.TB, directory string, wrap storeWrappers) *system {
	t.Helper()
	minFree := func(o *sqlite.Options) { o.MinFree = wrap.minFree }
	s := &system{
		ordersDB: databasetest.OpenIn(t, "order", directory, minFree), stockDB: databasetest.OpenIn(t, "inventory", directory, minFree),
		clock: &clock{now: time.Now()}, settings: *host.DefaultSettings(),
	}
	s.settings.PendingTimeout = time.Hour
	if wrap.settings != nil {
		wrap.settings(&s.settings)
	}
	var ordersStore, stockStore database.Store = s.ordersDB, s.stockDB
	if wrap.orders != nil {
		ordersStore, stockStore = wrap.orders(ordersStore), wrap.stock(stockStore)
	}
	stock, err := inventoryhost.New(t.Context(), inventoryhost.Options{
		Env:      module.Env{Store: stockStore, Observer: rpctest.Observe(t, inventory.Operations.Operations()), Now: s.clock.Now, Log: slog.New(slog.DiscardHandler)},
		Settings: *inventoryhost.DefaultSettings(),
		Products: []inventory.Product{
			{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Amount: 999, Currency: "USD"}, Available: 10},
			{Category: "books", Code: "b", Name: "Book B", Price: inventory.Price{Amount: 999, Currency: "USD"}, Available: 5},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.stockModule = stock
	s.link = &link{Conn: direct.Conn(stock.Host, "order")}
	s.module, err = host.New(t.Context(), host.Options{
		Env: module.Env{
			Store: ordersStore, Conn: rpctest.Conns(map[string]rpc.Conn{"inventory": s.link}), Observer: rpctest.Observe(t, order.Operations.Operations()), Now: s.clock.Now,
			Log: slog.New(slog.DiscardHandler),
		},
		Settings: s.settings,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.orders = order.Client{Conn: direct.Conn(s.module.Host, "gateway")}
	s.stock = inventory.Client{Conn: direct.Conn(stock.Host, "gateway")}
	return s
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// hook happens on the way of a call; its error is what the caller gets.
type hook func(ctx context.Context, op string) error

// link is the way from order to inventory, on which a test can intercept calls: messages, and the question that comes
// before them.
type link struct {
	rpc.Conn
	mu     sync.Mutex
	before hook // nil: the message arrives
	after  hook // nil: its answer arrives
	asking hook // nil: inventory says what it could not reserve
}

func (l *link) intercept(before, after hook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before, l.after = before, after
}

func (l *link) interceptChecks(asking hook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking = asking
}

func (l *link) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	l.mu.Lock()
	before, after := l.before, l.after
	if op.Row().Name == inventory.Check.Row().Name {
		before, after = l.asking, nil
	}
	l.mu.Unlock()
	if before != nil {
		if err := before(ctx, op.Row().Name); err != nil {
			return err
		}
	}
	err := l.Conn.Invoke(ctx, op, request, response)
	if after != nil {
		if err := after(ctx, op.Row().Name); err != nil {
			return err
		}
	}
	return err
}

func inventoryAway(context.Context, string) error {
	return fault.Retryable(time.Second, "The inventory is away.")
}

// settleAll lets the relay work until nothing is due, however often it was postponed.
func (s *system) settleAll(t testing.TB) {
	t.Helper()
	for range 3 {
		s.clock.advance(time.Minute) // beyond the lease and the longest backoff
		if _, err := s.module.SettleDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *system) mustAgree(t testing.TB) {
	t.Helper()
	ordertest.MustAgree(t, s.ordersDB, s.stockDB)
}

func (s *system) mustBeAvailable(t testing.TB, code string, want int64) {
	t.Helper()
	p, err := s.stock.Get(context.Background(), inventory.GetRequest{Category: "books", Code: code})
	if err != nil {
		t.Fatal(err)
	}
	if p.Available != want {
		t.Errorf("%d of %s are available, want %d", p.Available, code, want)
	}
}

var (
	alice = identity.With(context.Background(), identity.Principal{Subject: "alice", Scopes: identity.NewScopes(order.AddOrder)})
	admin = identity.With(context.Background(), identity.Principal{Subject: "admin", Scopes: identity.NewScopes(order.UpdateOrder, order.CancelOrder, order.ViewOrders)})
)

func (s *system) create(id string, qty int64) error {
	r := order.CreateRequest{Name: "An order", Items: []order.Item{{Category: "books", Code: "a", Qty: qty}}}
	if id != "" {
		r.ID = &id
	}
	_, err := s.orders.Create(alice, r)
	return err
}

func (s *system) update(id string, qty int64) error {
	_, err := s.orders.Update(admin, order.UpdateRequest{ID: id, Name: "An order", Items: []order.Item{{Category: "books", Code: "a", Qty: qty}, {Category: "books", Code: "b", Qty: 1}}})
	return err
}

func (s *system) cancel(id string) error {
	_, err := s.orders.Cancel(admin, order.CancelRequest{ID: id})
	return err
}

func (s *system) status(t testing.TB, id string) order.Status {
	t.Helper()
	got, err := s.orders.Get(admin, order.GetRequest{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return got.Status
}

func mustBe(t testing.TB, what string, err error, want fault.Code) *fault.Error {
	t.Helper()
	if got := fault.CodeOf(err); got != want {
		t.Errorf("%s: got %v, want code %q", what, err, want)
	}
	return fault.From(err)
}
