package transaction_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/exchange"
	"oms/platform/trust/transaction"
	"oms/platform/trust/trusttest"
)

func TestATransactionTokenIsPassedOnUnmodified(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order, inventory := transaction.New(d.Options("gateway")), transaction.New(d.Options("order")), transaction.New(d.Options("inventory"))
	first := trusttest.MustAttach(t, gateway, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Create", "{}"))
	proven := trusttest.MustVerify(t, order, trusttest.Received(first))
	want := identity.Principal{Subject: "alice", Caller: "gateway", Scopes: identity.NewScopes("add_order"), Transaction: trusttest.Transaction}
	if diff := cmp.Diff(want, proven.Principal); diff != "" {
		t.Error(diff)
	}
	onward := identity.WithCredential(identity.With(context.Background(), proven.Principal), proven.User)
	second := trusttest.MustAttach(t, order, onward, trusttest.Call("order", "inventory", "inventory.Reserve", "{}"))
	if !slices.Equal(first.Header.Values("Txn-Token"), second.Header.Values("Txn-Token")) || len(second.Header) != 1 {
		t.Errorf("passed on as %v", second.Header)
	}
	if proven := trusttest.MustVerify(t, inventory, trusttest.Received(second)); proven.Subject != "alice" || proven.Caller != "order" {
		t.Errorf("%+v", proven)
	}
	if got := d.Issued.Load(); got != 1 {
		t.Errorf("%d tokens were issued", got)
	}
	if order.Refused(onward, second, nil) || !gateway.Refused(trusttest.Alice(), first, nil) {
		t.Error("only who had the token issued can have another one")
	}
}

func TestACallWithoutAUserCarriesNoToken(t *testing.T) {
	d := trusttest.NewDomain(t)
	profile := transaction.New(d.Options("gateway"))
	c := trusttest.MustAttach(t, profile, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	if len(c.Header) != 0 || d.Issued.Load() != 0 {
		t.Errorf("%v, %d issued", c.Header, d.Issued.Load())
	}
	if proven := trusttest.MustVerify(t, profile, trusttest.Received(c)); proven.Caller != "gateway" || proven.Subject != "" || proven.User != (identity.Credential{}) {
		t.Errorf("%+v", proven)
	}
}

func TestOneTransactionTokenForEachTransactionAndCallee(t *testing.T) {
	d := trusttest.NewDomain(t)
	profile := transaction.New(d.Options("gateway"))
	other := identity.With(trusttest.Alice(), identity.Principal{Transaction: strings.Repeat("f", 32)})
	for range 3 {
		trusttest.MustAttach(t, profile, trusttest.Alice(), trusttest.Call("gateway", "order", "order.Get", "{}"))
		trusttest.MustAttach(t, profile, trusttest.Alice(), trusttest.Call("gateway", "inventory", "inventory.List", "{}"))
		trusttest.MustAttach(t, profile, other, trusttest.Call("gateway", "order", "order.Get", "{}"))
	}
	if got := d.Issued.Load(); got != 3 {
		t.Errorf("%d tokens were issued, want 3", got)
	}
}

func TestTransactionTokensThatAreRefused(t *testing.T) {
	d := trusttest.NewDomain(t)
	profile := transaction.New(d.Options("order"))
	with := func(tokens ...string) *rpc.Call {
		c := trusttest.Call("gateway", "order", "order.Create", "{}")
		c.Header["Txn-Token"] = tokens
		return c
	}
	good := d.Sign(d.AlicesToken())
	trusttest.MustVerify(t, profile, with(good))
	trusttest.MustRefuse(t, profile, "twice", with(good, good))
	trusttest.MustRefuse(t, profile, "beside a foreign one", with(good, d.SignForeign(d.AlicesToken())))
	trusttest.MustRefuse(t, profile, "a foreign one", with(d.SignForeign(d.AlicesToken())))
	trusttest.MustRefuse(t, profile, "empty", with(""))
	beside := with(good)
	beside.Header.Set("Authorization", "Bearer "+good)
	trusttest.MustRefuse(t, profile, "as an access token too", beside)
	delete(beside.Header, "Txn-Token")
	trusttest.MustRefuse(t, profile, "as an access token", beside)

	internal := exchange.Token{ID: "1", Subject: "alice", Workload: "gateway", Callee: "order", Act: &exchange.Actor{Subject: "spiffe://orders.local/gateway"}, IssuedAt: d.Now(), Expires: d.Now().Add(time.Minute)}
	raw, err := internal.Sign(trusttest.DomainName, d.Signing)
	if err != nil {
		t.Fatal(err)
	}
	trusttest.MustRefuse(t, profile, "an internal token", with(raw))
	if _, err := transaction.Read(good, "another.local", d.KeySet, d.Now()); token.ReasonOf(err) == "" {
		t.Errorf("in another trust domain: %v", err)
	}
	exchange := exchange.New(d.Options("order"))
	as := trusttest.Call("gateway", "order", "order.Create", "{}")
	as.Header.Set("Authorization", "Bearer "+good)
	trusttest.MustRefuse(t, exchange, "as an internal token", as)

	for what, spoil := range map[string]func(*transaction.Token){
		"expired": func(t *transaction.Token) {
			t.IssuedAt, t.Expires = t.IssuedAt.Add(-70*time.Second), t.Expires.Add(-70*time.Second)
		},
		"from the future": func(t *transaction.Token) {
			t.IssuedAt, t.Expires = t.IssuedAt.Add(time.Minute), t.Expires.Add(time.Minute)
		},
		"for too long":          func(t *transaction.Token) { t.Expires = t.IssuedAt.Add(61 * time.Second) },
		"without a transaction": func(t *transaction.Token) { t.ID = "" },
		"without a user":        func(t *transaction.Token) { t.Subject = "" },
		"from nobody":           func(t *transaction.Token) { t.Requesters = nil },
		"replaced too often":    func(t *transaction.Token) { t.Requesters = slices.Repeat([]string{"order"}, 9) },
		"from no workload":      func(t *transaction.Token) { t.Requesters = []string{"no/workload"} },
	} {
		spoilt := d.AlicesToken()
		spoil(&spoilt)
		trusttest.MustRefuse(t, profile, what, with(d.Sign(spoilt)))
	}
	d.Revocations.Announce(trust.Ended{Subjects: map[string]time.Time{"alice": d.Now().Add(time.Millisecond)}})
	trusttest.MustRefuse(t, profile, "revoked", with(good))
	d.Revocations.Announce(trust.Ended{Grants: []string{"one"}})
	of := d.AlicesToken()
	for of.Grant = range map[string]bool{"": true, "another": true} {
		trusttest.MustVerify(t, profile, with(d.Sign(of)))
	}
	of.Grant = "one"
	trusttest.MustRefuse(t, profile, "of a session that has ended", with(d.Sign(of)))
}

// Where nobody knows what was revoked, a user is asked to come back, and a call without one goes on.
func TestWithoutNewsOfRevocationsUsersAreNotLetIn(t *testing.T) {
	d := trusttest.NewDomain(t)
	options := d.Options("order")
	options.Revocations = trust.NewRevocations(time.Minute, d.Now)
	profile := transaction.New(options)
	users := trusttest.Call("gateway", "order", "order.Create", "{}")
	users.Header.Set("Txn-Token", d.Sign(d.AlicesToken()))
	if _, err := profile.Verify(context.Background(), users); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a user's: %v", err)
	}
	trusttest.MustVerify(t, profile, trusttest.Call("gateway", "order", "order.Get", "{}"))
	options.Revocations.Heard(d.Now())
	trusttest.MustVerify(t, profile, users)
}

// Every single bit of the token counts.
func TestATransactionTokenAlteredByOneBitIsRefused(t *testing.T) {
	d := trusttest.NewDomain(t)
	profile := transaction.New(d.Options("order"))
	good := d.Sign(d.AlicesToken())
	altered := 0
	for i := range len(good) {
		for bit := range 8 {
			text := []byte(good)
			text[i] ^= 1 << bit
			c := trusttest.Call("gateway", "order", "order.Create", "{}")
			c.Header["Txn-Token"] = []string{string(text)}
			trusttest.MustRefuse(t, profile, "altered", c)
			altered++
		}
	}
	t.Logf("%d altered tokens", altered)
	if altered < 1000 {
		t.Error("too few to mean anything")
	}
}

// A token is of one transaction: beside another trace it is refused.
func TestATransactionTokenOfAnotherTransactionIsRefused(t *testing.T) {
	d := trusttest.NewDomain(t)
	host, observer := rpctest.NewProbe(t)
	profile := transaction.New(d.Options("probe"))
	c := trusttest.MustAttach(t, profile, trusttest.Alice(), trusttest.Call("gateway", "probe", "probe.Whoami", "{}"))
	server := rpc.NewServer(host, profile, slog.New(slog.DiscardHandler))
	serve := func(trace string) (rpc.Record, error) {
		in := &rpc.Incoming{Call: *trusttest.Received(c), Transport: rpc.OverHTTPS, Message: whoami{}}
		in.Transaction = trace
		err := server.Serve(context.Background(), in)
		return in.Record(), err
	}
	if _, err := serve(strings.Repeat("f", 32)); !rpc.Refused(fault.From(err)) {
		t.Error(err)
	}
	if got := observer.Decided(); len(got) != 1 || got[0].Reason != rpc.NotVerified || got[0].Proof != "transaction" {
		t.Errorf("records %+v", got)
	}
	if hop, err := serve(trusttest.Transaction); err != nil || hop.Subject != "alice" {
		t.Errorf("%+v, %v", hop, err)
	}
}

// whoami is the message of a call that asks nothing but who is there; its body is that of the proof.
type whoami struct{}

func (whoami) Digest(context.Context) ([sha256.Size]byte, error) {
	return sha256.Sum256([]byte("{}")), nil
}

func (whoami) Read(_ context.Context, op rpc.Operation) (request, response any, err error) {
	return op.NewRequest(), op.NewResponse(), nil
}

// What replaces a token is of the same transaction, user and trust domain, and never more.
func TestAReplacedTransactionTokenIsNeverMore(t *testing.T) {
	d := trusttest.NewDomain(t)
	original := d.AlicesToken()
	d.Forward(time.Second)
	next, ok := original.Replace("order", identity.NewScopes("add_order", "view_orders"), d.Now())
	if !ok {
		t.Fatal("refused")
	}
	want := original
	want.Requesters, want.IssuedAt = []string{"gateway", "order"}, d.Now()
	if diff := cmp.Diff(want, next); diff != "" {
		t.Error(diff)
	}
	read, err := transaction.Read(d.Sign(next), trusttest.DomainName, d.KeySet, d.Now())
	if diff := cmp.Diff(next, read); err != nil || diff != "" {
		t.Error(diff, err)
	}
	if narrowed, _ := next.Replace("order", nil, d.Now()); len(narrowed.Scopes) != 0 {
		t.Error("the scope did not get narrower")
	}
	for range 6 {
		next, ok = next.Replace("order", next.Scopes, d.Now())
	}
	if !ok || len(next.Requesters) != 8 {
		t.Errorf("%d in the chain, %v", len(next.Requesters), ok)
	}
	if _, ok := next.Replace("order", next.Scopes, d.Now()); ok {
		t.Error("replaced for ever")
	}
}

func TestATransactionTokenIsNotShown(t *testing.T) {
	d := trusttest.NewDomain(t)
	profile := transaction.New(d.Options("order"))
	bad := d.SignForeign(d.AlicesToken())
	c := trusttest.Call("gateway", "order", "order.Create", "{}")
	c.Header.Set("Txn-Token", bad)
	_, err := profile.Verify(context.Background(), c)
	if err == nil || strings.Contains(err.Error(), bad[:30]) || strings.Contains(err.Error(), bad[len(bad)-30:]) {
		t.Errorf("%v", err)
	}
	if shown := identity.CredentialFrom(identity.WithCredential(context.Background(), identity.Credential{Text: secret.Text(bad)})); strings.Contains(shown.Text.String(), bad) {
		t.Error("a credential shows itself")
	}
}
