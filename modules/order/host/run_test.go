package host_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/modules/order"
	"oms/platform/fault"
	"oms/platform/identity"
)

// orderRun is the variable that makes the run below a long one: how many orders it places and cancels.
const orderRun = "ORDER_RUN"

const (
	shortRun = 3000 // orders, where the variable is not set
	rounds   = 3    // a quarter of a year passes after each
	clients  = 32   // at once
	kept     = 10   // orders that live through it all
	owners   = 200  // so that nobody reaches a limit
)

// run is what has happened.
type run struct{ placed, refused, cancelled, repeated, largest atomic.Int64 }

// repeats is how often a client sends a request again that was put off, as it is told to.
const repeats = 5

// send is what a client does that wants an order: it comes again while the answer is 503 or there is none, which an id or a key
// makes safe.
func (s *system) send(r *run, by context.Context, request order.CreateRequest) (created order.Created, err error) {
	for range repeats {
		if created, err = s.orders.Create(by, request); !putOff(err) {
			return created, err
		}
		r.repeated.Add(1)
	}
	return created, err
}

// putOff says whether a client may come again: a disk can stall for longer than anybody waits for an answer.
func putOff(err error) bool {
	code := fault.CodeOf(err)
	return code == fault.Unavailable || code == fault.DeadlineExceeded
}

// takeBack cancels an order. Who hears nothing asks again, and may hear then that it was cancelled.
func (s *system) takeBack(r *run, id string) (err error) {
	for range repeats {
		before := err
		if err = s.cancel(id); before != nil && fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if !putOff(err) {
			return err
		}
		r.repeated.Add(1)
	}
	return err
}

// TestDatabasesEndAsSmallAsTheyBegan places, refuses and cancels orders while a year and more passes and what is over is
// removed beside them. In the end nothing is left of them, in rows or in bytes, and what lives is whole.
func TestDatabasesEndAsSmallAsTheyBegan(t *testing.T) {
	many := shortRun
	if text := os.Getenv(orderRun); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			t.Fatal(orderRun, err)
		}
	}
	directory := t.TempDir()
	s := open(t, directory, storeWrappers{})
	mustBe(t, "adjust", s.adjust(1_000_000), "")
	for i := range kept {
		mustBe(t, "an order that stays", s.create(fmt.Sprint("kept", i), 1), "")
		mustBe(t, "an update of it", s.update(fmt.Sprint("kept", i%4), 2), "")
	}
	s.prune(t)
	rowsBefore := rows(t, s.ordersDB, orderTables...) + rows(t, s.stockDB, stockTables...)
	sizeBefore := s.sizes(t, directory)
	var r run
	for round := range rounds {
		var pruning sync.WaitGroup
		if round > 0 {
			pruning.Go(func() { s.prune(t) })
		}
		s.load(t, &r, round*many/rounds, (round+1)*many/rounds)
		pruning.Wait()
		r.largest.Store(max(r.largest.Load(), s.sizes(t, directory)))
		s.settleAll(t)
		s.mustAgree(t)
		s.clock.advance(91 * day)
	}
	s.prune(t)
	s.mustAgree(t)
	if after := rows(t, s.ordersDB, orderTables...) + rows(t, s.stockDB, stockTables...); after > rowsBefore {
		t.Errorf("%d rows are left, and there were %d before", after, rowsBefore)
	}
	if n := rows(t, s.ordersDB, "refusals", "idempotency"); n > 0 {
		t.Errorf("%d rows remember requests", n)
	}
	for i := range kept {
		if got := s.status(t, fmt.Sprint("kept", i)); got != order.StatusConfirmed {
			t.Errorf("kept%d is %s", i, got)
		}
	}
	const margin = 3 * mib // 1 MiB of free pages that each database keeps, and as much for pages that are partly filled
	if r.largest.Load() < sizeBefore+margin*3/2 {
		t.Errorf("the databases never took more than %d KiB, so that it proves nothing that they become small", r.largest.Load()>>10)
	}
	if !eventually(t, func() bool { return s.sizes(t, directory) <= sizeBefore+margin }) { // pages are given back while nobody writes
		t.Errorf("%d KiB at the end, %d KiB at the start", s.sizes(t, directory)>>10, sizeBefore>>10)
	}
	t.Logf("%d placed, %d refused, %d cancelled, %d requests repeated; %d KiB at the start, %d KiB at most, %d KiB at the end",
		r.placed.Load(), r.refused.Load(), r.cancelled.Load(), r.repeated.Load(), sizeBefore>>10, r.largest.Load()>>10, s.sizes(t, directory)>>10)
	if floor := int64(many); r.placed.Load() < floor || r.cancelled.Load() < floor || r.refused.Load() < floor/2 {
		t.Error("that is too few for a run that proves something")
	}
}

// eventually looks again and again, for a minute, whether something has become true that takes seconds.
func eventually(t *testing.T, holds func() bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !holds() {
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// sizes are the bytes of both databases, without what is written back to them later.
func (s *system) sizes(t *testing.T, directory string) (sum int64) {
	t.Helper()
	for _, name := range []string{"order.db", "inventory.db"} {
		info, err := os.Stat(directory + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

// load places the orders of numbers from up to below to and cancels them, by many clients at once; for every second one another is
// refused.
func (s *system) load(t *testing.T, r *run, from, to int) {
	var next atomic.Int64
	next.Store(int64(from))
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(to) && !t.Failed(); i = next.Add(1) - 1 {
				s.placeAndCancel(t, r, i)
				if i%2 == 0 {
					s.beRefused(t, r, i)
				}
			}
		})
	}
	all.Wait()
}

// customer is one of the owners.
func customer(i int64) context.Context {
	return identity.With(context.Background(), identity.Principal{Subject: fmt.Sprint("customer", i%owners), Scopes: identity.NewScopes(order.AddOrder)})
}

func (s *system) placeAndCancel(t *testing.T, r *run, i int64) {
	request := order.CreateRequest{Name: strings.Repeat("n", 200), Items: order100("a", 1)}
	key := fmt.Sprint("placed-", i)
	if i%2 == 0 {
		id := fmt.Sprint("order-", i%1000) // ids come back
		request.ID = &id
	} else {
		request.IdempotencyKey = key
	}
	created, err := s.send(r, customer(i), request)
	if request.ID != nil && fault.CodeOf(err) == fault.Conflict { // another client has an order of that id just now
		request.ID, request.IdempotencyKey = nil, key
		created, err = s.send(r, customer(i), request)
	}
	if err != nil {
		t.Errorf("order %d: %v", i, err)
		return
	}
	r.placed.Add(1)
	if err := s.takeBack(r, created.ID); err != nil {
		t.Errorf("cancelling order %d: %v", i, err)
		return
	}
	r.cancelled.Add(1)
}

func (s *system) beRefused(t *testing.T, r *run, i int64) {
	request := order.CreateRequest{Name: strings.Repeat("n", 200), Items: order100("none", 1), IdempotencyKey: fmt.Sprint("refused-", i)}
	want := fault.InvalidArgument
	if i%4 == 0 {
		request.Items, want = []order.Item{{Category: "books", Code: "b", Qty: 1_000_000}}, fault.Conflict
	}
	if i%8 < 4 {
		request.IdempotencyKey = ""
	}
	if _, err := s.send(r, customer(i), request); fault.CodeOf(err) != want {
		t.Errorf("order %d: %v, want %s", i, err, want)
		return
	}
	r.refused.Add(1)
}
