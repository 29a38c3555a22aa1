package host_test

import (
	"context"
	"errors"
	"testing"

	"oms/modules/inventory"
	"oms/modules/order"
	"oms/platform/database"
	"oms/platform/fault"
	"oms/platform/identity"
)

// rows counts the rows of tables.
func rows(t *testing.T, store database.Store, tables ...string) (sum int64) {
	t.Helper()
	for _, table := range tables {
		n, err := database.Read(t.Context(), store, func(tx database.Tx) (n int64, err error) {
			return n, tx.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

var (
	orderTables = []string{"orders", "events", "outbox", "updates"}
	stockTables = []string{"reservations", "reservation_lines", "answers", "movements"}
)

func order100(code string, qty int64) (items []order.Item) {
	for range 100 {
		items = append(items, order.Item{Category: "books", Code: code, Qty: qty})
	}
	return items
}

func TestWhatInventoryDoesNotHaveIsRefusedBeforeAnythingIsStored(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	id, refused := "1", 0
	for range 50 {
		for what, r := range map[string]order.CreateRequest{
			"short":           {Name: "x", Items: order100("a", 1)},
			"unknown":         {Name: "x", Items: order100("none", 1)},
			"short by id":     {ID: &id, Name: "x", Items: order100("a", 1)},
			"unknown by id":   {ID: &id, Name: "x", Items: order100("none", 1)},
			"one of each":     {Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: 11}, {Category: "none", Code: "a", Qty: 1}}},
			"the last of 100": {Name: "x", Items: append(order100("b", 1)[:4], order.Item{Category: "books", Code: "none", Qty: 1})},
		} {
			if _, err := s.orders.Create(alice, r); fault.CodeOf(err) != fault.Conflict && fault.CodeOf(err) != fault.InvalidArgument {
				t.Errorf("%s: %v", what, err)
			}
			refused++
		}
	}
	if n := rows(t, s.ordersDB, append(orderTables, "refusals", "idempotency")...) + rows(t, s.stockDB, stockTables...); n != 0 {
		t.Errorf("%d refused orders left %d rows", refused, n)
	}
	mustBe(t, "create", s.create("1", 2), "")
	before := rows(t, s.ordersDB, orderTables...) + rows(t, s.stockDB, stockTables...)
	mustBe(t, "an update beyond the stock", s.update("1", 11), fault.Conflict)
	if after := rows(t, s.ordersDB, orderTables...) + rows(t, s.stockDB, stockTables...); after != before {
		t.Errorf("a refused update left %d rows", after-before)
	}
	t.Logf("%d orders refused", refused)
}

func TestARefusalWithAKeyKeepsOnlyItsDigestAndItsAnswer(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	for range 2 {
		_, err := s.orders.Create(alice, order.CreateRequest{Name: "x", Items: order100("none", 1), IdempotencyKey: "k"})
		if failure := mustBe(t, "unknown products", err, fault.InvalidArgument); len(failure.Fields) != 100 {
			t.Errorf("%d fields", len(failure.Fields))
		}
	}
	if n := rows(t, s.ordersDB, orderTables...) + rows(t, s.stockDB, stockTables...); n != 0 {
		t.Errorf("%d rows beside the refusal", n)
	}
	mustHoldARefusal(t, s)
}

// mustHoldARefusal fails unless there is one, in a row that is smaller than what was refused.
func mustHoldARefusal(t *testing.T, s *system) {
	t.Helper()
	const most = 5000 // bytes for a hundred lines
	size, err := database.Read(t.Context(), s.ordersDB, func(tx database.Tx) (size int64, err error) {
		return size, tx.QueryRow(`SELECT length(problems) FROM refusals`).Scan(&size)
	})
	if n := rows(t, s.ordersDB, "refusals"); err != nil || n != 1 || size > most {
		t.Errorf("%d refusals, one of %d bytes, %v; want one of at most %d", n, size, err, most)
	}
}

// Between the question and the reservation somebody else may take the stock.
func TestAnOrderThatIsRefusedAfterItWasStoredLeavesOnlyItsAnswer(t *testing.T) {
	for name, r := range map[string]order.CreateRequest{
		"with an id": {ID: new("1")}, "with a key": {IdempotencyKey: "k"}, "with neither": {},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), storeWrappers{})
			r.Name, r.Items = "x", []order.Item{{Category: "books", Code: "a", Qty: 10}}
			s.link.intercept(func(context.Context, string) error {
				s.link.intercept(nil, nil)
				return s.create("faster", 1)
			}, nil)
			_, err := s.orders.Create(alice, r)
			if failure := mustBe(t, "the slower one", err, fault.Conflict); failure.Type != "out-of-stock" || len(failure.Fields) != 1 {
				t.Errorf("fault %+v", failure)
			}
			if page, err := s.orders.List(alice, order.ListRequest{}); err != nil || len(page.Data) != 1 || page.Data[0].ID != "faster" {
				t.Errorf("orders %+v, %v", page.Data, err)
			}
			mustHoldARefusal(t, s)
			if r.IdempotencyKey != "" {
				mustBe(t, "cancel", s.cancel("faster"), "")
				_, err := s.orders.Create(alice, r)
				mustBe(t, "the same again, with stock", err, fault.Conflict)
			}
			s.settleAll(t)
			s.mustAgree(t)
		})
	}
}

// A pending order that the relay finds refused is gone for its owner too, and the request can be made anew.
func TestAnOrderThatTheRelayFindsRefusedIsGone(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(inventoryAway, nil)
	s.link.interceptChecks(inventoryAway)
	mustBe(t, "create", s.create("1", 11), fault.Unavailable)
	s.link.intercept(nil, nil)
	s.link.interceptChecks(nil)
	s.settleAll(t)
	_, err := s.orders.Get(alice, order.GetRequest{ID: "1"})
	mustBe(t, "get", err, fault.NotFound)
	mustBe(t, "the request again", s.create("1", 11), fault.Conflict)
	mustBe(t, "another of the id", s.create("1", 10), "")
	s.mustAgree(t)
}

// Without an answer to the question, only what its sender can ask about again is stored.
func TestWithoutAnAnswerOnlyWhatCanBeRepeatedIsStored(t *testing.T) {
	for name, away := range map[string]hook{"away": inventoryAway, "defective": func(context.Context, string) error { return errors.New("a defect") }} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir(), storeWrappers{})
			s.link.interceptChecks(away)
			mustBe(t, "an order without an id", s.create("", 1), fault.Unavailable)
			if n := rows(t, s.ordersDB, orderTables...); n != 0 {
				t.Errorf("it left %d rows", n)
			}
			mustBe(t, "an order with an id", s.create("1", 1), "")
			s.mustAgree(t)
		})
	}
}

// The same request, sent again while the first one holds the stock, is no refusal.
func TestARepeatedRequestFindsItsOrderAlthoughThatHoldsTheLastOfTheStock(t *testing.T) {
	s := open(t, t.TempDir(), storeWrappers{})
	s.link.intercept(nil, inventoryAway) // it is reserved, and order does not know
	mustBe(t, "create", s.create("1", 10), fault.Unavailable)
	s.link.intercept(nil, nil)
	mustBe(t, "the request again", s.create("1", 10), "")
	checked, err := s.module.Create(identity.With(t.Context(), identity.Principal{Subject: "bob"}), order.CreateRequest{Name: "x", Items: []order.Item{{Category: "books", Code: "a", Qty: 1}}})
	mustBe(t, "another's", err, fault.Conflict)
	if checked.ID != "" {
		t.Errorf("created %+v", checked)
	}
	if p, err := s.stock.Get(context.Background(), inventory.GetRequest{Category: "books", Code: "a"}); err != nil || p.Available != 0 {
		t.Errorf("product %+v, %v", p, err)
	}
	s.mustAgree(t)
}
