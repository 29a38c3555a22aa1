package modulestest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/modulestest"
	"oms/modules/order"
	orderhost "oms/modules/order/host"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

const (
	seed        = 20261122
	length      = 1750  // calls in each system
	leastCalls  = 10000 // in all systems together
	leastOfKind = 100   // of each kind: answers, faults, refusals; a sequence in which nothing happens proves nothing
)

// testSystem is a system that is reached in one way, and everything that can be seen of it.
type testSystem struct {
	name     string
	conns    map[string]func(caller string) rpc.Conn // by module
	observer *recorder
}

// recorder keeps what the hosts of a system tell.
type recorder struct {
	rpctest.Observer
	distort func(*rpc.Record)
}

// Observe implements [rpc.Observer].
func (w *recorder) Observe(ctx context.Context, r rpc.Record) {
	if w.distort != nil {
		w.distort(&r)
	}
	w.Observer.Observe(ctx, r)
}

func newTestSystem(t *testing.T, shape rpctest.Shape) *testSystem {
	t.Helper()
	observer := &recorder{}
	price := inventory.Price{Amount: 999, Currency: "USD"}
	stock, err := inventoryhost.New(t.Context(), inventoryhost.Options{
		Env:      module.Env{Store: databasetest.Open(t, "inventory"), Observer: observer, Now: time.Now, Log: slog.New(slog.DiscardHandler)},
		Settings: *inventoryhost.DefaultSettings(),
		Products: []inventory.Product{
			{Category: "books", Code: "a", Name: "Book A", Price: price, Available: 20},
			{Category: "books", Code: "b", Name: "Book B", Price: price, Available: 8},
			{Category: "tools", Code: "last", Name: "The last one", Price: price, Available: 1},
		},
	})
	must(t, err)
	orders, err := orderhost.New(t.Context(), orderhost.Options{
		Env: module.Env{
			Store: databasetest.Open(t, "order"), Conn: rpctest.Conns(map[string]rpc.Conn{"inventory": shape.Connect(t, stock.Host, "order")}), Observer: observer,
			Now: time.Now, Log: slog.New(slog.DiscardHandler),
		},
		Settings: *orderhost.DefaultSettings(),
	})
	must(t, err)
	probe, err := rpctest.HostProbe(observer)
	must(t, err)
	sys := &testSystem{name: shape.Name, conns: map[string]func(string) rpc.Conn{}, observer: observer}
	for _, host := range []*rpc.Host{stock.Host, orders.Host, probe} {
		sys.conns[host.Module()] = func(caller string) rpc.Conn { return shape.Connect(t, host, caller) }
	}
	return sys
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// seen is what one call shows: to its caller, to the service, and to whoever reads the records.
type seen struct {
	Response string
	Fault    *seenFault
	Decided  []rpc.Record // without what depends on the moment and on the shape
	Calls    []string     // the principals that services saw, and how their calls ended
}

// seenFault is a fault as its caller reads it.
type seenFault struct {
	Code       fault.Code
	Type       string
	Detail     string
	Fields     []fault.Field
	RetryAfter time.Duration
}

// run makes the calls of a sequence, one after the other.
func (sys *testSystem) run(steps []step) []seen {
	all := make([]seen, len(steps))
	decided, outcomes := 0, 0
	for i, s := range steps {
		module, _, _ := strings.Cut(s.operation.Row().Name, ".")
		response, err := s.operation.Invoke(s.context(), sys.conns[module](s.caller), s.request)
		if err == nil {
			all[i].Response = withoutMoments(response)
		} else {
			f := fault.From(err)
			all[i].Fault = &seenFault{f.Code, f.Type, f.Detail, f.Fields, f.RetryAfter}
		}
		now, ended := sys.observer.Decided(), sys.observer.Executed()
		for _, d := range now[decided:] {
			all[i].Decided = append(all[i].Decided, rpc.Record{
				Module: d.Module, Operation: d.Operation, Caller: d.Caller, Subject: d.Subject, Scopes: d.Scopes, Transaction: d.Transaction, Reason: d.Reason,
			})
		}
		for _, o := range ended[outcomes:] {
			all[i].Calls = append(all[i].Calls, fmt.Sprintf("%s by %s for %q in %s: %s", o.Operation, o.Caller, o.Subject, o.Transaction, fault.CodeOf(o.Err)))
		}
		decided, outcomes = len(now), len(ended)
	}
	return all
}

// moments are the parts of an answer that depend on the moment: times, and what is made of them or of random ids.
var moments = regexp.MustCompile(`"(created_at|updated_at|etag|next)":"(?:[^"\\]|\\.)*"`)

func withoutMoments(response any) string {
	text, err := json.Marshal(response)
	if err != nil {
		return err.Error()
	}
	return moments.ReplaceAllString(string(text), `"$1":"*"`)
}

// difference is where two systems differ, or "".
func difference(s step, a, b seen) string {
	if !s.listed() { // between processes such a call may end at the STS, which gives the caller no proof for it
		if a.Fault == nil || b.Fault == nil || a.Fault.Code != b.Fault.Code {
			return fmt.Sprintf("who may not call is refused with %+v and %+v", a.Fault, b.Fault)
		}
		if len(b.Calls) > 0 {
			return "who may not call was let in"
		}
		return ""
	}
	return cmp.Diff(a, b)
}

// testSystems are one process, and every profile: between processes, and within one where others are elsewhere.
func testSystems(t *testing.T) (all []*testSystem) {
	t.Helper()
	all = append(all, newTestSystem(t, rpctest.Shapes()[0]))
	for _, shape := range modulestest.Proven(t, modulestest.Probe()) {
		if !strings.HasSuffix(shape.Name, "made twice") { // whose second calls are seen too
			all = append(all, newTestSystem(t, shape))
		}
	}
	return all
}

// One long sequence of calls shows the same to everybody, wherever the modules are and however callers prove themselves.
func TestEveryShapeShowsTheSame(t *testing.T) {
	steps, all := sequence(seed, length), testSystems(t)
	shown := make([][]seen, len(all))
	var players sync.WaitGroup
	for i, sys := range all {
		players.Go(func() { shown[i] = sys.run(steps) })
	}
	players.Wait()
	counts := map[string]int{}
	for i, s := range steps {
		for other := range all[1:] {
			if diff := difference(s, shown[0][i], shown[other+1][i]); diff != "" {
				t.Fatalf("call %d of seed %d, %v\n%s and %s differ: %s", i, seed, s, all[0].name, all[other+1].name, diff)
			}
		}
		count(counts, s, shown[0][i])
	}
	t.Logf("seed %d: %d calls in each of %d systems: %v", seed, len(steps), len(all), counts)
	if len(steps)*len(all) < leastCalls {
		t.Errorf("fewer than %d calls", leastCalls)
	}
	for _, kind := range []string{"answered", "refused", "failed", "with a user behind two hops"} {
		if counts[kind] < leastOfKind {
			t.Errorf("%s: only %d", kind, counts[kind])
		}
	}
}

func count(counts map[string]int, s step, got seen) {
	switch {
	case !s.listed():
		counts["by who may not call"]++
	case got.Fault == nil:
		counts["answered"]++
	case slices.ContainsFunc(got.Decided, func(d rpc.Record) bool { return d.Reason != rpc.Allowed }):
		counts["refused"]++
	default:
		counts["failed"]++
	}
	if len(got.Calls) == 2 && s.principal.Subject != "" {
		counts["with a user behind two hops"]++
	}
}

// The comparison finds what it is there for: a difference in the response, the fault, the principal and the record.
func TestAMadeUpDifferenceIsFound(t *testing.T) {
	steps := sequence(seed, 300)
	plain := newTestSystem(t, rpctest.Shapes()[0]).run(steps)
	for name, change := range map[string]func(*testSystem){
		"nothing": func(*testSystem) {},
		"the response": func(sys *testSystem) {
			sys.changeAnswers("order", func(_ rpc.Operation, response any, err error) error {
				if created, ok := response.(*order.Created); ok && err == nil {
					created.Status += " "
				}
				return err
			})
		},
		"the fault": func(sys *testSystem) {
			sys.changeAnswers("order", func(_ rpc.Operation, _ any, err error) error {
				if f := fault.From(err); f != nil && f.RetryAfter == 0 {
					later := *f
					later.RetryAfter = time.Second
					return &later
				}
				return err
			})
		},
		"the principal": func(sys *testSystem) {
			sys.changeAnswers("probe", func(op rpc.Operation, response any, err error) error {
				if who, ok := response.(*rpctest.Seen); ok {
					who.Subject += "!"
				}
				return err
			})
		},
		"the record": func(sys *testSystem) {
			sys.observer.distort = func(d *rpc.Record) {
				if d.Module == "inventory" && d.Subject != "" { // as if the user were lost on the second hop
					d.Subject = ""
				}
			}
		},
	} {
		sys := newTestSystem(t, rpctest.Shapes()[0])
		change(sys)
		found := 0
		for i, got := range sys.run(steps) {
			if difference(steps[i], plain[i], got) != "" {
				found++
			}
		}
		if (found > 0) != (name != "nothing") {
			t.Errorf("changed in %s: found %d", name, found)
		}
		t.Logf("changed in %s: %d of %d calls differ", name, found, len(steps))
	}
}

// changeAnswers has every answer of a module pass by change.
func (sys *testSystem) changeAnswers(module string, change func(op rpc.Operation, response any, err error) error) {
	connect := sys.conns[module]
	sys.conns[module] = func(caller string) rpc.Conn { return changedConn{connect(caller), change} }
}

type changedConn struct {
	rpc.Conn
	change func(rpc.Operation, any, error) error
}

func (c changedConn) Invoke(ctx context.Context, op rpc.Operation, request, response any) error {
	return c.change(op, response, c.Conn.Invoke(ctx, op, request, response))
}
