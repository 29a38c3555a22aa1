package peer_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust/peer"
	"oms/platform/trust/trusttest"
)

// A caller cannot know which process of a callee answers: once it has met all of them, none asks for another proof. A proof
// is good once for each, and its size is bounded however often processes are started anew.
func TestAProofIsGoodForEveryProcessOfACallee(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway := newPeer(t, d.Options("gateway"))
	var orders []*peer.Profile
	for range 3 {
		orders = append(orders, newPeer(t, d.Options("order")))
		meet(t, gateway, orders[len(orders)-1])
	}
	d.Forward(time.Minute) // past the time in which it introduces itself with every call
	for range 2 {
		for i, order := range orders {
			meetKeys(t, gateway, order)
			c := trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))
			trusttest.MustVerify(t, order, trusttest.Received(c))
			trusttest.MustRefuse(t, order, fmt.Sprintf("process %d, again", i), trusttest.Received(c))
		}
	}
	before := len(trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}")).Header.Get("Workload-Proof"))
	for range 100 {
		meet(t, gateway, newPeer(t, d.Options("order")))
	}
	if after := len(trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}")).Header.Get("Workload-Proof")); after > before+800 {
		t.Errorf("a proof has grown from %d to %d bytes", before, after)
	}
}

// meetKeys has a process that does not know the gateway's keys ask for them.
func meetKeys(t *testing.T, gateway, order *peer.Profile) {
	t.Helper()
	c := trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	if _, err := order.Verify(context.Background(), trusttest.Received(c)); rpc.Challenge(fault.From(err)) {
		gateway.Refused(trusttest.Nobody(), c, fault.From(err))
		trusttest.MustVerify(t, order, trusttest.Received(trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))))
	}
}

// turns are several processes of a callee behind one address: each attempt reaches the next one.
type turns struct {
	rpc.Transport
	servers []*rpc.Server
	next    int
}

func (t *turns) Send(ctx context.Context, c *rpc.Outgoing) error {
	t.next++
	return rpc.Local(t.servers[t.next%len(t.servers)]).Send(ctx, c)
}

// A call meets several processes for the first time and still gets its answer; later ones need no other attempt.
func TestACallReachesAnyProcessOfACallee(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway := newPeer(t, d.Options("gateway"))
	log := slog.New(slog.DiscardHandler)
	var behind turns
	for range 3 {
		host, _ := rpctest.NewProbe(t)
		behind.servers = append(behind.servers, rpc.NewServer(host, newPeer(t, d.Options("probe")), log))
	}
	behind.Transport = rpc.Local(behind.servers[0])
	conn := rpc.NewConn(rpc.ConnOptions{Caller: "gateway", Callee: "probe", Profile: gateway, Transport: &behind, Log: log})
	for i := range 30 {
		before := behind.next
		if _, err := rpctest.Public.Call(trusttest.Nobody(), conn, rpctest.Nothing{}); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		if attempts := behind.next - before; i >= 3 && attempts != 1 {
			t.Errorf("call %d took %d attempts", i, attempts)
		}
	}
}
