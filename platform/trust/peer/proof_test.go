package peer_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/trust"
	"oms/platform/trust/peer"
	"oms/platform/trust/trusttest"
)

func newPeer(t *testing.T, o trust.Options) *peer.Profile {
	t.Helper()
	p, err := peer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// between are the two sides of a call, which have met.
func between(t *testing.T, d *trusttest.Domain) (gateway, order *peer.Profile) {
	t.Helper()
	gateway, order = newPeer(t, d.Options("gateway")), newPeer(t, d.Options("order"))
	meet(t, gateway, order)
	return gateway, order
}

// meet makes the first call of the gateway to order: it is refused, and told what the next one has to hold.
func meet(t *testing.T, gateway, order *peer.Profile) {
	t.Helper()
	c := trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	if !gateway.Refused(trusttest.Nobody(), c, refusal(t, order, trusttest.Received(c))) {
		t.Error("no other attempt")
	}
}

// refusal is what a callee says to a proof that it does not accept.
func refusal(t *testing.T, callee trust.Profile, c *rpc.Call) *fault.Error {
	t.Helper()
	_, err := callee.Verify(context.Background(), c)
	if !rpc.Refused(fault.From(err)) {
		t.Fatalf("not refused: %v", err)
	}
	return fault.From(err)
}

func TestAPeerProvesEveryCallByItself(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order := between(t, d)
	for _, ctx := range []context.Context{trusttest.Alice(), trusttest.Nobody(), trusttest.Alice()} {
		c := trusttest.MustAttach(t, gateway, ctx, trusttest.Call("gateway", "order", "order.Create", "{}"))
		proven := trusttest.MustVerify(t, order, trusttest.Received(c))
		subject := ""
		if identity.CredentialFrom(ctx).Kind != identity.NoCredential {
			subject = "alice"
		}
		if proven.Caller != "gateway" || proven.Subject != subject {
			t.Errorf("%+v", proven)
		}
	}
}

// Replay: the same request twice, one after the other and fifty at once.
func TestAProofIsAcceptedOnce(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order := between(t, d)
	c := trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))
	trusttest.MustVerify(t, order, trusttest.Received(c))
	trusttest.MustRefuse(t, order, "the same once more", trusttest.Received(c))
	d.Forward(20 * time.Second)
	trusttest.MustRefuse(t, order, "the same a while later", trusttest.Received(c))

	fresh := trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Create", "{}"))
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := order.Verify(context.Background(), trusttest.Received(fresh)); err == nil {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if got := accepted.Load(); got != 1 {
		t.Errorf("accepted %d times", got)
	}
}

// What a callee accepted before it was started anew it cannot know: nothing from before its start counts, whatever the
// clocks say.
func TestAProofIsNotAcceptedAgainAfterARestart(t *testing.T) {
	for what, ahead := range map[string]time.Duration{"a clock like ours": 0, "a caller whose clock is ahead": 20 * time.Second, "a caller whose clock is behind": -20 * time.Second} {
		d := trusttest.NewDomain(t)
		order := newPeer(t, d.Options("order"))
		options := d.Options("gateway")
		options.Now = func() time.Time { return d.Now().Add(ahead) }
		gateway := newPeer(t, options)
		meet(t, gateway, order)
		c := trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))
		if c.Header.Get("Workload-Keys") == "" {
			t.Fatal("the caller has not introduced itself, so this would prove nothing")
		}
		trusttest.MustVerify(t, order, trusttest.Received(c))
		d.Forward(5 * time.Second)
		restarted := newPeer(t, d.Options("order"))
		trusttest.MustRefuse(t, restarted, what+": a replay after a restart", trusttest.Received(c))
		meet(t, gateway, restarted)
		trusttest.MustVerify(t, restarted, trusttest.Received(trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))))
		trusttest.MustRefuse(t, restarted, what+": a replay after they have met", trusttest.Received(c))
	}
}

func TestAProofIsForOneCall(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order := between(t, d)
	inventory := newPeer(t, d.Options("inventory"))
	trusttest.MustVerify(t, order, trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))) // introduced
	others := d.AlicesToken()
	others.Subject = "bob"
	for what, change := range map[string]func(*rpc.Call){
		"another operation":        func(c *rpc.Call) { c.Operation = "order.Cancel" },
		"another body":             func(c *rpc.Call) { c.Digest[0] ^= 1 },
		"another user":             func(c *rpc.Call) { c.Header.Set("Txn-Token", d.Sign(others)) },
		"no user":                  func(c *rpc.Call) { c.Header.Del("Txn-Token") },
		"two proofs":               func(c *rpc.Call) { c.Header.Add("Workload-Proof", c.Header.Get("Workload-Proof")) },
		"no proof":                 func(c *rpc.Call) { c.Header.Del("Workload-Proof") },
		"two transaction tokens":   func(c *rpc.Call) { c.Header.Add("Txn-Token", d.Sign(others)) },
		"an Authorization header":  func(c *rpc.Call) { c.Header.Set("Authorization", "Bearer x") },
		"another's certificate":    func(c *rpc.Call) { c.Caller = "inventory" },
		"an altered proof":         func(c *rpc.Call) { c.Header.Set("Workload-Proof", flip(c.Header.Get("Workload-Proof"))) },
		"a token in place of it":   func(c *rpc.Call) { c.Header.Set("Workload-Proof", c.Header.Get("Txn-Token")) },
		"it in place of the token": func(c *rpc.Call) { c.Header.Set("Txn-Token", c.Header.Get("Workload-Proof")) },
	} {
		c := trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))
		trusttest.MustRefuse(t, order, what, trusttest.Received(c, change))
	}
	c := trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))
	trusttest.MustRefuse(t, inventory, "at another callee", trusttest.Received(c, func(c *rpc.Call) { c.Callee = "inventory" }))
	d.Forward(61 * time.Second)
	trusttest.MustRefuse(t, order, "too late", trusttest.Received(c))
}

func flip(text string) string {
	altered := []byte(text)
	altered[len(altered)-10] ^= 1
	return string(altered)
}

// A user whom nobody brought cannot be added: the token is the STS's, and the proof is bound to it.
func TestAPeerCannotMakeUpAUser(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order := between(t, d)
	forged := identity.WithCredential(trusttest.Nobody(), identity.Credential{Kind: identity.Transaction, Text: "forged"})
	trusttest.MustRefuse(t, order, "a forged user", trusttest.Received(trusttest.MustAttach(t, gateway, forged, trusttest.Call("gateway", "order", "order.Create", "{}"))))
}
