package modulestest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"oms/modules/inventory"
	inventoryhost "oms/modules/inventory/host"
	"oms/modules/order"
	orderhost "oms/modules/order/host"
	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/module"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust"
)

// chain is the gateway, order and inventory in a process each, over their listeners. Each has heard by itself what has ended.
type chain struct {
	*domain
	orders    order.Client // as the gateway reaches it
	processes map[string]*process
}

// process is one of them.
type process struct {
	*network
	heard    *trust.Revocations
	observed rpctest.Observer

	mu       sync.Mutex
	underWay func() // what happens, once, when its next call is under way
}

// Attach implements [rpc.Profile]: what it attaches is outdated by what happens then.
func (p *process) Attach(ctx context.Context, c *rpc.Call) error {
	if err := p.network.Attach(ctx, c); err != nil {
		return err
	}
	p.mu.Lock()
	happens := p.underWay
	p.underWay = nil
	p.mu.Unlock()
	if happens != nil {
		happens()
	}
	return nil
}

func newChain(t *testing.T, d *domain, p system.Profile) chain {
	t.Helper()
	c := chain{domain: d, processes: map[string]*process{}}
	for _, workload := range []string{"gateway", "order", "inventory"} {
		heard := &trust.Revocations{}
		c.processes[workload] = &process{network: newProcess(t, d, p, heard), heard: heard}
	}
	gateway, orders, inventories := c.processes["gateway"], c.processes["order"], c.processes["inventory"]
	stock, err := inventoryhost.New(t.Context(), inventoryhost.Options{
		Env:      module.Env{Store: databasetest.Open(t, "inventory"), Observer: &inventories.observed, Now: time.Now, Log: quiet()},
		Settings: *inventoryhost.DefaultSettings(),
		Products: []inventory.Product{{Category: "books", Code: "a", Name: "Book A", Price: inventory.Price{Currency: "USD"}, Available: 1000}},
	})
	must(t, err)
	hosted, err := orderhost.New(t.Context(), orderhost.Options{
		Env: module.Env{
			Store: databasetest.Open(t, "order"), Observer: &orders.observed, Now: time.Now, Log: quiet(),
			Conn: rpctest.Conns(map[string]rpc.Conn{"inventory": inventories.remoteBy(t, stock.Host, "order", orders)}),
		},
		Settings: *orderhost.DefaultSettings(),
	})
	must(t, err)
	c.orders = order.Client{Conn: orders.remoteBy(t, hosted.Host, "gateway", gateway)}
	return c
}

// place places an order, as the gateway does for whoever has brought a credential.
func (c chain) place(credential identity.Credential) error {
	ctx := identity.With(context.Background(), identity.Principal{Transaction: identity.NewTransaction()})
	_, err := c.orders.Create(identity.WithCredential(ctx, credential), order.CreateRequest{
		Name: "An order", Items: []order.Item{{Category: "books", Code: "a", Qty: 1}}, IdempotencyKey: identity.NewTransaction(),
	})
	return err
}

// ends has everything that was issued until then be outdated, for those who have heard of it, as soon as the next call of a
// workload is under way.
func (c chain) ends(caller string, ended func() trust.Ended, heardBy ...string) {
	p := c.processes[caller]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay = func() {
		ended := ended()
		for _, workload := range heardBy {
			c.processes[workload].heard.Announce(ended)
		}
	}
}

// outdated are the ways for a proof to become outdated while it is under way: whose call it is, and who has heard of it.
var outdated = []struct {
	caller  string
	heardBy []string
}{
	{"gateway", []string{"order"}}, {"gateway", []string{"inventory"}}, {"gateway", []string{"order", "inventory"}}, {"gateway", []string{"gateway"}},
	{"order", []string{"inventory"}}, {"order", []string{"order", "inventory"}}, {"order", []string{"gateway", "order", "inventory"}},
}

// Whoever finds a proof outdated says so to the one who brought it: that one gets another, at once, and nobody hears of it.
func TestAnOutdatedProofIsRenewedAlongTheChain(t *testing.T) {
	d := open(t, Options{})
	for _, p := range system.Profiles {
		t.Run(p.Name, func(t *testing.T) {
			c := newChain(t, d, p)
			credential, err := d.bearer(t.Context(), "alice", identity.NewScopes(order.AddOrder))
			must(t, err)
			for range 2 {
				for _, o := range outdated { // as where more has ended than is told one by one
					c.ends(o.caller, func() trust.Ended { return trust.Ended{Before: time.Now()} }, o.heardBy...)
					if err := c.place(credential); err != nil {
						t.Errorf("while %s calls, %v hears that the proof is outdated: %v", o.caller, o.heardBy, err)
					}
				}
			}
			refused := c.refused()
			t.Logf("%d proofs were refused, and renewed by whoever brought them", refused)
			if refused < 10 {
				t.Errorf("only %d proofs were refused", refused)
			}
		})
	}
}

// A user whose own credential has ended is told to sign in, never that something is away, whoever hears of it first.
func TestAUserWhoseCredentialHasEndedHearsOfNothingElse(t *testing.T) {
	d := open(t, Options{})
	for _, p := range system.Profiles {
		t.Run(p.Name, func(t *testing.T) {
			const user = "carol"
			c := newChain(t, d, p)
			bring := func() identity.Credential {
				credential, err := d.bearer(t.Context(), user, identity.NewScopes(order.AddOrder))
				must(t, err)
				return credential
			}
			for _, o := range outdated {
				credential := bring()
				must(t, c.place(credential))
				c.ends(o.caller, func() trust.Ended {
					_, err := sts.SetPassword.Call(t.Context(), d.operator, sts.SetPasswordRequest{User: user, Password: "another password"})
					if err != nil {
						t.Error(err)
					}
					return trust.Ended{Subjects: map[string]time.Time{user: time.Now()}}
				}, o.heardBy...)
				err := c.place(credential) // under way already: it may still be carried out
				if code := fault.CodeOf(err); code != "" && code != fault.Unauthenticated {
					t.Errorf("while %s calls, %v hears that the credential has ended: %v", o.caller, o.heardBy, err)
				}
				for _, process := range c.processes {
					process.heard.Announce(trust.Ended{Subjects: map[string]time.Time{user: time.Now()}})
				}
				if err := c.place(credential); fault.CodeOf(err) != fault.Unauthenticated {
					t.Errorf("when everybody has heard that the credential has ended: %v", err)
				}
				d.forget(user)
			}
			must(t, c.place(bring()))
			if refused := c.refused(); refused < 5 {
				t.Errorf("only %d proofs were refused", refused)
			}
		})
	}
}

// refused is how many proofs were refused because they do not hold.
func (c chain) refused() (proofs int) {
	for _, process := range c.processes {
		for _, record := range process.observed.Decided() {
			if record.Reason == rpc.NotVerified {
				proofs++
			}
		}
	}
	return proofs
}

// forget has the next bearer of a user be another one.
func (d *domain) forget(user string) {
	d.users.mu.Lock()
	defer d.users.mu.Unlock()
	for key := range d.users.tokens {
		if strings.HasPrefix(key, user+" ") {
			delete(d.users.tokens, key)
		}
	}
}
