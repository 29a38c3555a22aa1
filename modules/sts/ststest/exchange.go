package ststest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/pki"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust/exchange"
)

var exchangeTests = map[string]func(*testing.T, world){
	"an exchanged token names the user, the callee and who acts": exchanged,
	"scopes narrow from hop to hop":                              narrowing,
	"a token never outlives what it was traded for":              outlived,
	"whoever brings a subject token must be the one to bring it": whoBrings,
	"what is no subject token is refused":                        notASubject,
	"a token is for one callee that may be called":               audiences,
	"workloads cannot act for each other without end":            endless,
	"whoever is disabled is exchanged no more":                   disabledExchange,
	"a workload's own token says who it is, and no more":         workloadTokens,
}

// callee is the audience of a module.
func callee(module string) string { return pki.ID(Domain, module) }

// trade is an exchange that must be granted.
func (w world) trade(t *testing.T, by sts.Service, subject secret.Text, kind, module string) sts.Exchanged {
	t.Helper()
	got, err := by.Exchange(nobody, sts.ExchangeRequest{SubjectToken: subject, SubjectTokenType: kind, Audience: callee(module)})
	must(t, err)
	return got
}

// read is what a module reads in a token for it, by the keys that the STS shows now.
func (w world) read(t *testing.T, raw secret.Text, module string) exchange.Token {
	t.Helper()
	got, err := exchange.Read(raw.Reveal(), Domain, module, func(string) (*token.KeySet, error) { return w.keySet(t), nil }, w.Clock.Now())
	must(t, err)
	return got
}

func (w world) keySet(t *testing.T) *token.KeySet {
	t.Helper()
	answer, err := w.gateway.Keys(nobody, sts.KeysRequest{})
	must(t, err)
	set, err := token.ParseKeySet([]byte(answer.JWKS))
	must(t, err)
	return set
}

// acts is a chain of workloads, the one that acts now first.
func acts(workloads ...string) (chain *exchange.Actor) {
	for i := len(workloads) - 1; i >= 0; i-- {
		chain = &exchange.Actor{Subject: callee(workloads[i]), Actor: chain}
	}
	return chain
}

func exchanged(t *testing.T, w world) {
	foreign := claims(Foreign, ForeignFor, "eve")
	for _, c := range []struct {
		subject         secret.Text
		kind, name      string
		fullName, scope string
	}{
		{w.Issue("carol"), sts.AccessToken, "carol", "Carol", "add_order update_order view_orders"},
		{w.SignIn("carol"), sts.SessionToken, "carol", "Carol", "add_order update_order view_orders"},
		{sign(t, w.Foreign, "JWT", foreign), sts.AccessToken, Foreign + "|eve", "", "add_order"},
	} {
		before := w.Clock.Now()
		first := w.trade(t, w.gateway, c.subject, c.kind, "order")
		got := w.read(t, first.AccessToken, "order")
		want := exchange.Token{Subject: c.name, Workload: "gateway", Callee: "order", Scopes: identity.ParseScopes(c.scope), Act: acts("gateway")}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(exchange.Token{}, "ID", "Grant", "IssuedAt", "Expires")); diff != "" {
			t.Errorf("%s: token (-want +got): %s", c.kind, diff)
		}
		if got.ID == "" || got.IssuedAt.Before(before) || !got.IssuedAt.Equal(first.IssuedAt) {
			t.Errorf("%s: jti %q, iat %v, issued %v", c.kind, got.ID, got.IssuedAt, first.IssuedAt)
		}
		wanted := sts.Exchanged{IssuedTokenType: sts.InternalToken, TokenType: "N_A", Scope: c.scope, Subject: c.name, FullName: c.fullName}
		if diff := cmp.Diff(wanted, first, cmpopts.IgnoreFields(sts.Exchanged{}, "AccessToken", "Grant", "IssuedAt", "ExpiresIn")); diff != "" {
			t.Errorf("%s: answer (-want +got): %s", c.kind, diff)
		}
		second := w.trade(t, w.other, first.AccessToken, sts.InternalToken, "inventory")
		onward := w.read(t, second.AccessToken, "inventory")
		want = exchange.Token{Subject: c.name, Workload: "order", Callee: "inventory", Act: acts("order", "gateway")}
		if diff := cmp.Diff(want, onward, cmpopts.IgnoreFields(exchange.Token{}, "ID", "Grant", "IssuedAt", "Expires"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: onward (-want +got): %s", c.kind, diff)
		}
		if onward.ID == got.ID || second.FullName != c.fullName {
			t.Errorf("%s: onward jti %q after %q, of %q", c.kind, onward.ID, got.ID, second.FullName)
		}
	}
}

func narrowing(t *testing.T, w world) {
	carol := w.Issue("carol")
	for _, c := range []struct {
		subject secret.Text
		callees []string // the gateway calls itself, and then the last one
		want    string
	}{
		{carol, []string{"order"}, "add_order update_order view_orders"},
		{carol, []string{"inventory"}, "manage_inventory"},
		{carol, []string{"gateway", "order"}, "add_order update_order view_orders"},
		{carol, []string{"gateway", "inventory"}, "manage_inventory"},
		{w.Issue("carol", "view_orders", "manage_inventory"), []string{"gateway", "order"}, "view_orders"},
		{w.Issue("carol", "view_orders"), []string{"gateway", "inventory"}, ""},
		{w.Issue("alice"), []string{"gateway", "order"}, "add_order"},
	} {
		got := w.trade(t, w.gateway, c.subject, sts.AccessToken, c.callees[0])
		for _, module := range c.callees[1:] {
			got = w.trade(t, w.gateway, got.AccessToken, sts.InternalToken, module)
		}
		module := c.callees[len(c.callees)-1]
		if read := w.read(t, got.AccessToken, module); got.Scope != c.want || read.Scopes.String() != c.want {
			t.Errorf("over %v: scope %q, in the token %q, want %q", c.callees, got.Scope, read.Scopes, c.want)
		}
	}
	first := w.trade(t, w.gateway, carol, sts.AccessToken, "order") // which does not know manage_inventory
	if got := w.trade(t, w.other, first.AccessToken, sts.InternalToken, "inventory"); got.Scope != "" {
		t.Errorf("what order did not have, inventory was shown: %q", got.Scope)
	}
}

func outlived(t *testing.T, w world) {
	ends := func(e sts.Exchanged, module string) time.Time { return w.read(t, e.AccessToken, module).Expires }
	session := w.SignIn("carol")
	started := w.Clock.Now()
	long := w.trade(t, w.gateway, session, sts.SessionToken, "order")
	if life := ends(long, "order").Sub(long.IssuedAt); life != InternalLifetime || long.ExpiresIn != int64(InternalLifetime/time.Second) {
		t.Errorf("for a session: %v, expires_in %d", life, long.ExpiresIn)
	}
	w.Clock.Forward(InternalLifetime / 2)
	onward := w.trade(t, w.other, long.AccessToken, sts.InternalToken, "inventory")
	if got, first := ends(onward, "inventory"), ends(long, "order"); got.After(first) || first.Sub(got) > time.Second {
		t.Errorf("onward it ends at %v, the first one at %v", got, first)
	}
	edge := w.Issue("carol")
	issued := w.Clock.Now()
	short := w.trade(t, w.gateway, edge, sts.AccessToken, "order")
	if got := ends(short, "order"); got.After(issued.Add(EdgeLifetime)) {
		t.Errorf("it ends at %v, the access token of one minute was issued at %v", got, issued)
	}
	w.Clock.Forward(EdgeLifetime + 10*time.Second) // within what clocks may differ: it would still verify
	_, err := w.gateway.Exchange(nobody, sts.ExchangeRequest{SubjectToken: edge, SubjectTokenType: sts.AccessToken, Audience: callee("order")})
	mustFail(t, "an access token that has ended", err, fault.Unauthenticated)
	_, err = w.other.Exchange(nobody, sts.ExchangeRequest{SubjectToken: short.AccessToken, SubjectTokenType: sts.InternalToken, Audience: callee("inventory")})
	mustFail(t, "a token that has ended", err, fault.Unauthenticated)
	w.Clock.Forward(SessionLifetime - w.Clock.Now().Sub(started) - 20*time.Second)
	if late := w.trade(t, w.gateway, session, sts.SessionToken, "order"); ends(late, "order").After(started.Add(SessionLifetime + time.Second)) {
		t.Errorf("it ends at %v, the session of one hour began at %v", ends(late, "order"), started)
	}
	w.Clock.Forward(time.Minute)
	_, err = w.gateway.Exchange(nobody, sts.ExchangeRequest{SubjectToken: session, SubjectTokenType: sts.SessionToken, Audience: callee("order")})
	mustFail(t, "a session that has ended", err, fault.Unauthenticated)
}

func whoBrings(t *testing.T, w world) {
	edge, session := w.Issue("carol"), w.SignIn("carol")
	atOrder := w.trade(t, w.gateway, edge, sts.AccessToken, "order").AccessToken
	atInventory := w.trade(t, w.gateway, edge, sts.AccessToken, "inventory").AccessToken
	for _, c := range []struct {
		what    string
		by      sts.Service
		subject secret.Text
		kind    string
		want    fault.Code
	}{
		{"an access token, from order", w.other, edge, sts.AccessToken, fault.PermissionDenied},
		{"a session, from order", w.other, session, sts.SessionToken, fault.PermissionDenied},
		{"a token for order, from the gateway that showed it", w.gateway, atOrder, sts.InternalToken, fault.Unauthenticated},
		{"a token for inventory, from order", w.other, atInventory, sts.InternalToken, fault.Unauthenticated},
		{"a token for inventory, from inventory, which calls nobody", w.by(t, "inventory"), atInventory, sts.InternalToken, fault.PermissionDenied},
		{"a token for order, from order", w.other, atOrder, sts.InternalToken, ""},
	} {
		got, err := c.by.Exchange(nobody, sts.ExchangeRequest{SubjectToken: c.subject, SubjectTokenType: c.kind, Audience: callee("inventory")})
		if fault.CodeOf(err) != c.want || (err != nil) != (got.AccessToken == "") {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
	}
}

func notASubject(t *testing.T, w world) {
	own, err := token.GenerateSigningKey(token.ES256)
	must(t, err)
	edge, session := w.Issue("carol"), w.SignIn("carol")
	good := w.trade(t, w.gateway, edge, sts.AccessToken, "order").AccessToken
	self, err := w.gateway.WorkloadToken(nobody, sts.WorkloadTokenRequest{Audience: callee("order")})
	must(t, err)
	now := w.Clock.Now()
	forged, err := exchange.Token{ID: "1", Subject: "carol", Workload: "gateway", Callee: "order", Scopes: identity.NewScopes("add_order"),
		Act: acts("gateway"), IssuedAt: now, Expires: now.Add(time.Minute)}.Sign(Domain, own)
	must(t, err)
	for _, c := range []struct {
		what    string
		by      sts.Service
		subject secret.Text
		kind    string
		want    fault.Code
	}{
		{"none", w.other, "", sts.InternalToken, fault.Unauthenticated},
		{"no access token", w.gateway, "", sts.AccessToken, fault.Unauthenticated},
		{"no session", w.gateway, "", sts.SessionToken, fault.Unauthenticated},
		{"garbage", w.other, "a.b.c", sts.InternalToken, fault.Unauthenticated},
		{"altered", w.other, altered(good), sts.InternalToken, fault.Unauthenticated},
		{"of a foreign key", w.other, secret.Text(forged), sts.InternalToken, fault.Unauthenticated},
		{"a workload's own", w.other, self.AccessToken, sts.InternalToken, fault.Unauthenticated},
		{"an access token that is said to be internal", w.gateway, edge, sts.InternalToken, fault.Unauthenticated},
		{"an internal token that is said to be an access token", w.gateway, good, sts.AccessToken, fault.Unauthenticated},
		{"a session that is said to be an access token", w.gateway, session, sts.AccessToken, fault.Unauthenticated},
		{"an access token that is said to be a session", w.gateway, edge, sts.SessionToken, fault.Unauthenticated},
		{"of no kind", w.gateway, edge, "", fault.InvalidArgument},
		{"of another kind", w.gateway, edge, "urn:ietf:params:oauth:token-type:id_token", fault.InvalidArgument},
	} {
		got, err := c.by.Exchange(nobody, sts.ExchangeRequest{SubjectToken: c.subject, SubjectTokenType: c.kind, Audience: callee("inventory")})
		if fault.CodeOf(err) != c.want || got.AccessToken != "" {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
	}
	_, err = w.gateway.Exchange(nobody, sts.ExchangeRequest{SubjectToken: edge, SubjectTokenType: sts.AccessToken, Audience: callee("order"), RequestedTokenType: sts.AccessToken})
	mustFail(t, "an access token is asked for", err, fault.InvalidArgument)
}

// altered is a token with one character of its claims changed.
func altered(raw secret.Text) secret.Text {
	parts := strings.Split(raw.Reveal(), ".")
	middle := []byte(parts[1])
	middle[10] ^= 1
	parts[1] = string(middle)
	return secret.Text(strings.Join(parts, "."))
}

func audiences(t *testing.T, w world) {
	edge := w.Issue("carol")
	atOrder := w.trade(t, w.gateway, edge, sts.AccessToken, "order").AccessToken
	for _, c := range []struct {
		by       string
		audience string
	}{
		{"gateway", callee("nowhere")}, {"gateway", callee("sts")}, {"gateway", "order"}, {"gateway", ""}, {"gateway", "spiffe://else.local/order"},
		{"gateway", callee("order") + "/"}, {"gateway", callee("order") + " " + callee("inventory")}, {"order", callee("order")}, {"order", callee("gateway")},
	} {
		by, subject, kind := w.gateway, edge, sts.AccessToken
		if c.by == "order" {
			by, subject, kind = w.other, atOrder, sts.InternalToken
		}
		_, err := by.Exchange(nobody, sts.ExchangeRequest{SubjectToken: subject, SubjectTokenType: kind, Audience: c.audience})
		mustBeInvalidTarget(t, c.by+" for "+c.audience, err)
		_, err = by.WorkloadToken(nobody, sts.WorkloadTokenRequest{Audience: c.audience})
		mustBeInvalidTarget(t, c.by+"'s own for "+c.audience, err)
	}
}

func mustBeInvalidTarget(t *testing.T, what string, err error) {
	t.Helper()
	if fault.CodeOf(err) != fault.PermissionDenied || !strings.Contains(err.Error(), "invalid_target") {
		t.Errorf("%s: got %v, want permission_denied, invalid_target", what, err)
	}
}

func endless(t *testing.T, w world) {
	got := w.trade(t, w.gateway, w.Issue("carol"), sts.AccessToken, "gateway")
	for range 7 {
		got = w.trade(t, w.gateway, got.AccessToken, sts.InternalToken, "gateway")
	}
	want := acts("gateway", "gateway", "gateway", "gateway", "gateway", "gateway", "gateway", "gateway")
	if diff := cmp.Diff(want, w.read(t, got.AccessToken, "gateway").Act); diff != "" {
		t.Error("act (-want +got):", diff)
	}
	_, err := w.gateway.Exchange(nobody, sts.ExchangeRequest{SubjectToken: got.AccessToken, SubjectTokenType: sts.InternalToken, Audience: callee("order")})
	mustFail(t, "the ninth", err, fault.PermissionDenied)
}

func disabledExchange(t *testing.T, w world) {
	edge, session := w.Issue("carol"), w.SignIn("carol")
	internal := w.trade(t, w.gateway, edge, sts.AccessToken, "order").AccessToken
	exchange := func(by sts.Service, subject secret.Text, kind string) error {
		_, err := by.Exchange(nobody, sts.ExchangeRequest{SubjectToken: subject, SubjectTokenType: kind, Audience: callee("inventory")})
		return err
	}
	w.Disable("carol", true) // in force at once, before the module has read what is revoked
	mustFail(t, "a disabled user's access token", exchange(w.gateway, edge, sts.AccessToken), fault.Unauthenticated)
	mustFail(t, "a disabled user's session", exchange(w.gateway, session, sts.SessionToken), fault.Unauthenticated)
	mustFail(t, "a disabled user's token, onward", exchange(w.other, internal, sts.InternalToken), fault.Unauthenticated)
	w.Disable("carol", false)
	w.settle()
	mustFail(t, "a session from before", exchange(w.gateway, session, sts.SessionToken), fault.Unauthenticated)
	mustFail(t, "a token from before, onward", exchange(w.other, internal, sts.InternalToken), fault.Unauthenticated)
	mustFail(t, "an access token from before", exchange(w.gateway, edge, sts.AccessToken), fault.Unauthenticated)
	fresh := w.trade(t, w.gateway, w.Issue("carol"), sts.AccessToken, "order").AccessToken
	mustFail(t, "a token from after, onward", exchange(w.other, fresh, sts.InternalToken), "")
}

func workloadTokens(t *testing.T, w world) {
	for by, service := range map[string]sts.Service{"gateway": w.gateway, "order": w.other} {
		answer, err := service.WorkloadToken(nobody, sts.WorkloadTokenRequest{Audience: callee("inventory")})
		must(t, err)
		got := w.read(t, answer.AccessToken, "inventory")
		if diff := cmp.Diff(exchange.Token{Workload: by, Callee: "inventory"}, got, cmpopts.IgnoreFields(exchange.Token{}, "ID", "Grant", "IssuedAt", "Expires"), cmpopts.EquateEmpty()); diff != "" {
			t.Error("token (-want +got):", diff)
		}
		if life := got.Expires.Sub(got.IssuedAt); life != WorkloadLifetime || answer.ExpiresIn != int64(WorkloadLifetime/time.Second) || !answer.IssuedAt.Equal(got.IssuedAt) || got.ID == "" {
			t.Errorf("it lives for %v, expires_in %d, issued %v and %v", life, answer.ExpiresIn, got.IssuedAt, answer.IssuedAt)
		}
		w.mustRefuse(t, "a workload's token at the edge", answer.AccessToken)
	}
	_, err := w.by(t, "inventory").WorkloadToken(nobody, sts.WorkloadTokenRequest{Audience: callee("order")})
	mustFail(t, "inventory, which calls nobody", err, fault.PermissionDenied)
}
