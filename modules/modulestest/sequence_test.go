package modulestest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"oms/modules/inventory"
	"oms/modules/modulestest"
	"oms/modules/order"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

// step is one call of the sequence, the same in every system.
type step struct {
	operation rpc.Operation
	request   any // a pointer, as [rpc.Operation.Invoke] takes it
	caller    string
	principal identity.Principal // whom the caller's code runs for
}

func (s step) String() string {
	return fmt.Sprintf("%s by %s for %q with %q: %+v", s.operation.Row().Name, s.caller, s.principal.Subject, s.principal.Scopes, s.request)
}

func (s step) listed() bool {
	for _, caller := range s.operation.Row().Callers {
		if caller == s.caller {
			return true
		}
	}
	return false
}

// generator makes steps of a seed.
type generator struct {
	*rand.Rand
	steps int
}

// sequence is a long sequence of calls: good and bad ones, by everybody, on few orders and products, so that they get in
// each other's way.
func sequence(seed uint64, length int) []step {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, seed))}
	steps := make([]step, length)
	for i := range steps {
		steps[i] = g.step()
	}
	return steps
}

func one[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

// step makes a call. Nine in ten come from where they should.
func (g *generator) step() step {
	g.steps++
	s := step{caller: "gateway", principal: identity.Principal{Caller: "forged", Transaction: fmt.Sprintf("%032x", g.steps)}}
	s.operation, s.request = g.call()
	s.principal.Subject, s.principal.Scopes = g.user()
	if !s.listed() {
		s.caller = s.operation.Row().Callers[0]
	}
	if g.IntN(10) == 0 {
		s.caller = one(g, "gateway", "order", "inventory")
	}
	if s.caller != "gateway" { // what order's own code runs for is what order's table let through
		s.principal.Scopes = s.principal.Scopes.Intersect(order.Operations.Scopes())
	}
	if s.caller == "inventory" && s.principal.Subject != "" { // nobody can have given it a user
		s.principal.Subject, s.principal.Scopes = "", nil
	}
	return s
}

func (g *generator) user() (string, identity.Scopes) {
	admin := identity.NewScopes(order.AddOrder, order.UpdateOrder, order.CancelOrder, order.ViewOrders, inventory.ManageInventory, "echo", "see_all")
	switch g.IntN(10) {
	case 0:
		return "", nil
	case 1, 2:
		return "alice", identity.NewScopes(order.AddOrder, "echo")
	case 3:
		return "bob", identity.NewScopes(order.AddOrder)
	case 4:
		return identity.External(modulestest.Foreign, "eve"), identity.NewScopes(order.AddOrder, order.CancelOrder)
	case 5: // any of the rights
		var some []string
		for _, scope := range admin {
			if g.IntN(2) == 0 {
				some = append(some, scope)
			}
		}
		return "carol", identity.NewScopes(some...)
	}
	return "admin", admin
}

func (g *generator) call() (rpc.Operation, any) {
	switch g.IntN(20) {
	case 0, 1, 2, 3, 4:
		id := g.id()
		return order.Create, &order.CreateRequest{ID: &id, Name: g.name(), Items: g.items(), IdempotencyKey: one(g, "", "", "", "", "", "k1", "k2", "k 3")}
	case 5, 6:
		return order.Update, &order.UpdateRequest{ID: g.id(), Name: g.name(), Items: g.items()}
	case 7, 8:
		return order.Cancel, &order.CancelRequest{ID: g.id()}
	case 9, 10:
		return order.Get, &order.GetRequest{ID: g.id()}
	case 11:
		limit := one(g, int64(1), 3, 100, 0, 101)
		return order.List, &order.ListRequest{Limit: &limit, After: one(g, "", "", "nonsense")}
	case 12:
		return inventory.List, &inventory.ListRequest{Category: one(g, "", "books", "tools", "none"), Query: one(g, "", "b", "LAST", "%")}
	case 13:
		return inventory.Get, &inventory.GetRequest{Category: one(g, "books", "tools"), Code: g.code()}
	case 14:
		expected := g.Int64N(30)
		return inventory.Adjust, &inventory.AdjustRequest{Category: "books", Code: g.code(), Delta: g.Int64N(20) - 5, Reason: one(g, "found", ""), Expected: one(g, nil, nil, &expected)}
	case 15:
		if g.IntN(3) == 0 {
			return inventory.Check, &inventory.CheckRequest{Key: one(g, "", "r1", "r2"), Lines: g.lines()}
		}
		return inventory.Reserve, &inventory.ReserveRequest{Key: one(g, "r1", "r2", "r3", "r4"), Revision: g.Int64N(4), Lines: g.lines(), By: "alice"}
	case 16:
		return inventory.Release, &inventory.ReleaseRequest{Key: one(g, "r1", "r2", "r3", "r4", ""), By: "alice"}
	case 17:
		return rpctest.Echo, &rpctest.Message{
			Text: one(g, "a/b%2f\u2028<ü>", "\xff", "", strings.Repeat("x", g.IntN(5000))), Number: g.Int64(), At: time.Unix(g.Int64N(1e9), g.Int64N(1e9)).UTC(),
			List: one(g, nil, []string{}, []string{"x"}), Named: one(g, nil, map[string]string{"": "empty"}), Bytes: one(g, nil, []byte{0, 255}),
		}
	case 18:
		return rpctest.Fail, &rpctest.Failure{How: one(g, "plain", "panic", "conflict", "retry", "late", "gone", "not_found", "rate_limited", "unauthenticated", "permission_denied")}
	}
	return one[rpc.Operation](g, rpctest.Whoami, rpctest.Public, rpctest.Work), &rpctest.Nothing{}
}

// often is mostly one of the first, and now and then one of what is wrong.
func (g *generator) often(good []string, wrong ...string) string {
	if g.IntN(8) > 0 {
		return one(g, good...)
	}
	return one(g, wrong...)
}

func (g *generator) id() string {
	return g.often([]string{"1", "2", "3", "4", "5", "6", "7", "8"}, "..", "a/b", "")
}

func (g *generator) name() string {
	return g.often([]string{"An order", "Ünother"}, "", strings.Repeat("n", 201), "a\x00b")
}

func (g *generator) code() string { return g.often([]string{"a", "b", "last"}, "none", "%2e") }

func (g *generator) items() (items []order.Item) {
	for range one(g, 1, 1, 1, 1, 2, 3, 0) {
		items = append(items, order.Item{Category: "books", Code: g.often([]string{"a", "b"}, "none", ""), Qty: one[int64](g, 1, 1, 2, 3, 0)})
	}
	return items
}

func (g *generator) lines() (lines []inventory.Line) {
	for range 1 + g.IntN(2) {
		lines = append(lines, inventory.Line{Category: "books", Code: one(g, "a", "b", "none"), Quantity: g.Int64N(4)})
	}
	return lines
}

// context is what the caller's code runs in.
func (s step) context() context.Context { return identity.With(context.Background(), s.principal) }
