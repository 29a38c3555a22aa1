package exchange_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/exchange"
	"oms/platform/trust/trusttest"
)

// verifier is order's side of the profile, which knows one key of the STS.
type verifier struct {
	*exchange.Profile
	clock   *trusttest.Clock
	revoked *trust.Revocations
	key     token.SigningKey
}

func newVerifier(t *testing.T) verifier {
	t.Helper()
	v := verifier{clock: &trusttest.Clock{}, revoked: &trust.Revocations{}, key: trusttest.NewKey(t)}
	set, err := token.NewKeySet(v.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	keys := trust.NewKeys(func(context.Context) (*token.KeySet, error) { return set, nil }, v.clock.Now)
	v.Profile = exchange.New(trust.Options{Domain: trusttest.DomainName, Now: v.clock.Now, Keys: keys, Revocations: v.revoked})
	return v
}

type object = map[string]any

// user are the claims of a token for a user, from the gateway to order.
func (v verifier) user() object {
	now := v.clock.Now().Unix()
	return object{
		"iss": "spiffe://orders.local/sts", "aud": "spiffe://orders.local/order", "sub": "alice", "iat": now, "exp": now + 300, "jti": "1",
		"client_id": "spiffe://orders.local/gateway", "act": object{"sub": "spiffe://orders.local/gateway"}, "scope": "view_orders add_order",
	}
}

// workload are the claims of the gateway's own token for order.
func (v verifier) workload() object {
	claims := v.user()
	delete(claims, "act")
	delete(claims, "scope")
	claims["sub"] = claims["client_id"]
	return claims
}

// but are the claims with some of them replaced; nil removes one.
func but(claims object, changes object) object {
	changed := maps.Clone(claims)
	maps.Copy(changed, changes)
	maps.DeleteFunc(changed, func(name string, value any) bool { return value == nil })
	return changed
}

func signed(t testing.TB, key token.SigningKey, typ string, claims object) string {
	t.Helper()
	raw, err := token.Sign(key, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (v verifier) verify(authorization ...string) (rpc.Proven, error) {
	from := trusttest.Call("gateway", "order", "order.Get", "")
	for _, value := range authorization {
		from.Header.Add("Authorization", value)
	}
	return v.Verify(context.Background(), from)
}

func TestATokenProvesItsCallerAndItsUser(t *testing.T) {
	v := newVerifier(t)
	user, workload := signed(t, v.key, "internal+jwt", v.user()), signed(t, v.key, "workload+jwt", v.workload())
	for name, c := range map[string]struct {
		raw  string
		want rpc.Proven
	}{
		"a user's": {user, rpc.Proven{
			Principal: identity.Principal{Subject: "alice", Caller: "gateway", Scopes: identity.NewScopes("add_order", "view_orders")},
			User:      identity.Credential{Kind: identity.Internal, Text: secret.Text(user)},
		}},
		"a workload's own": {workload, rpc.Proven{Principal: identity.Principal{Caller: "gateway"}}},
	} {
		got, err := v.verify("Bearer " + c.raw)
		if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%s (-want +got): %s, %v", name, diff, err)
		}
	}
}

// chain are workloads that act for each other, the gateway first.
func chain(length int) object {
	act := object{"sub": "spiffe://orders.local/gateway"}
	if length > 1 {
		act["act"] = chain(length - 1)
	}
	return act
}

func TestATokenThatIsNotForThisCallIsRefused(t *testing.T) {
	v := newVerifier(t)
	now := v.clock.Now().Unix()
	user, workload := v.user(), v.workload()
	type forged struct {
		typ    string
		claims object
	}
	holds := map[string]forged{
		"as it is":                       {"internal+jwt", user},
		"the type by its long name":      {"application/internal+jwt", user},
		"no scope":                       {"internal+jwt", but(user, object{"scope": nil})},
		"expired, within the leeway":     {"internal+jwt", but(user, object{"iat": now - 300, "exp": now - 29})},
		"from a clock that is ahead":     {"internal+jwt", but(user, object{"iat": now + 29})},
		"eight that act":                 {"internal+jwt", but(user, object{"act": chain(8)})},
		"a workload's for a day":         {"workload+jwt", but(workload, object{"exp": now + 86400})},
		"an audience as a list of one":   {"internal+jwt", but(user, object{"aud": []string{"spiffe://orders.local/order"}})},
		"another issuer's user":          {"internal+jwt", but(user, object{"sub": "https://login.example|eve"})},
		"a workload's, expired a little": {"workload+jwt", but(workload, object{"iat": now - 300, "exp": now - 29})},
	}
	for name, c := range holds {
		if _, err := v.verify("Bearer " + signed(t, v.key, c.typ, c.claims)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	edge := but(user, object{"iss": "https://orders.example", "aud": "https://orders.example"})
	refused := map[string]forged{
		// kinds
		"an access token of the edge":                {"at+jwt", edge},
		"an access token with our claims":            {"at+jwt", user},
		"a transaction token with our claims":        {"txntoken+jwt", user},
		"a workload's proof with our claims":         {"workload-proof+jwt", user},
		"any JWT with our claims":                    {"JWT", user},
		"a user's claims in a workload's own":        {"workload+jwt", user},
		"a workload's own that names a user":         {"workload+jwt", but(workload, object{"sub": "alice"})},
		"a workload's own that names another":        {"workload+jwt", but(workload, object{"sub": "spiffe://orders.local/order"})},
		"a workload's own claims in a user's":        {"internal+jwt", workload},
		"a user's without a user":                    {"internal+jwt", but(user, object{"sub": nil})},
		"a user's with an empty one":                 {"internal+jwt", but(user, object{"sub": ""})},
		"the types' case does not hide another type": {"AT+JWT", user},
		// for whom, from whom
		"for another callee":               {"internal+jwt", but(user, object{"aud": "spiffe://orders.local/inventory"})},
		"for another callee, a workload's": {"workload+jwt", but(workload, object{"aud": "spiffe://orders.local/inventory"})},
		"for another domain":               {"internal+jwt", but(user, object{"aud": "spiffe://else.local/order"})},
		"for two callees":                  {"internal+jwt", but(user, object{"aud": []string{"spiffe://orders.local/order", "spiffe://orders.local/inventory"}})},
		"for nobody":                       {"internal+jwt", but(user, object{"aud": nil})},
		"from another issuer":              {"internal+jwt", but(user, object{"iss": "spiffe://orders.local/gateway"})},
		"from another domain's STS":        {"internal+jwt", but(user, object{"iss": "spiffe://else.local/sts"})},
		"from nobody":                      {"internal+jwt", but(user, object{"iss": nil})},
		// when
		"expired":                        {"internal+jwt", but(user, object{"iat": now - 300, "exp": now - 30})},
		"a workload's, expired":          {"workload+jwt", but(workload, object{"iat": now - 300, "exp": now - 30})},
		"without an end":                 {"internal+jwt", but(user, object{"exp": nil})},
		"from the future":                {"internal+jwt", but(user, object{"iat": now + 31})},
		"not yet valid":                  {"internal+jwt", but(user, object{"nbf": now + 31})},
		"a user's for more than an hour": {"internal+jwt", but(user, object{"exp": now + 3601})},
		"a workload's for two days":      {"workload+jwt", but(workload, object{"exp": now + 2*86400})},
		// who acts
		"nobody acts":                      {"internal+jwt", but(user, object{"act": nil})},
		"act is a name":                    {"internal+jwt", but(user, object{"act": "spiffe://orders.local/gateway"})},
		"act is a list":                    {"internal+jwt", but(user, object{"act": []any{chain(1)}})},
		"act is empty":                     {"internal+jwt", but(user, object{"act": object{}})},
		"act has an empty name":            {"internal+jwt", but(user, object{"act": object{"sub": ""}})},
		"act has a number":                 {"internal+jwt", but(user, object{"act": object{"sub": 5}})},
		"act is somebody else":             {"internal+jwt", but(user, object{"act": object{"sub": "spiffe://orders.local/order"}})},
		"garbage behind who acts":          {"internal+jwt", but(user, object{"act": object{"sub": "spiffe://orders.local/gateway", "act": "garbage"}})},
		"nobody behind who acts":           {"internal+jwt", but(user, object{"act": object{"sub": "spiffe://orders.local/gateway", "act": object{}}})},
		"nine that act":                    {"internal+jwt", but(user, object{"act": chain(9)})},
		"issued to nobody":                 {"internal+jwt", but(user, object{"client_id": nil})},
		"issued to another domain":         {"internal+jwt", but(user, object{"client_id": "spiffe://else.local/gateway", "act": object{"sub": "spiffe://else.local/gateway"}})},
		"issued to no identity":            {"internal+jwt", but(user, object{"client_id": "gateway", "act": object{"sub": "gateway"}})},
		"issued to a path below":           {"internal+jwt", but(user, object{"client_id": "spiffe://orders.local/gateway/x", "act": object{"sub": "spiffe://orders.local/gateway/x"}})},
		"a workload's of another domain":   {"workload+jwt", but(workload, object{"client_id": "spiffe://else.local/gateway", "sub": "spiffe://else.local/gateway"})},
		"without a number of its own":      {"internal+jwt", but(user, object{"jti": nil})},
		"a workload's without one":         {"workload+jwt", but(workload, object{"jti": nil})},
		"scopes that are none":             {"internal+jwt", but(user, object{"scope": 5})},
		"a scope that no scope looks like": {"internal+jwt", but(user, object{"scope": `add_order "`})},
	}
	for name, c := range refused {
		mustBeRefused(t, name, v, "Bearer "+signed(t, v.key, c.typ, c.claims))
	}
}

func mustBeRefused(t *testing.T, what string, v verifier, authorization ...string) {
	t.Helper()
	got, err := v.verify(authorization...)
	if failure := fault.From(err); failure == nil || !rpc.Refused(failure) {
		t.Errorf("%s: got %v, want a refusal of the proof", what, err)
	}
	if diff := cmp.Diff(rpc.Proven{}, got); diff != "" {
		t.Errorf("%s: proves all the same (-want +got): %s", what, diff)
	}
	for _, sent := range authorization {
		if raw := strings.TrimPrefix(sent, "Bearer "); len(raw) > 20 && err != nil && strings.Contains(fault.From(err).Detail, raw) {
			t.Errorf("%s: the refusal shows the token: %v", what, err)
		}
	}
}

func TestATokenThatWasNotSignedLikeThisIsRefused(t *testing.T) {
	v := newVerifier(t)
	good := signed(t, v.key, "internal+jwt", v.user())
	foreign := signed(t, trusttest.NewKey(t), "internal+jwt", v.user())
	admin := signed(t, v.key, "internal+jwt", but(v.user(), object{"sub": "admin"}))
	part := func(raw string, i int) string { return strings.Split(raw, ".")[i] }
	for name, raw := range map[string]string{
		"a foreign key":                     foreign,
		"a foreign key, by our key's name":  part(good, 0) + "." + part(foreign, 1) + "." + part(foreign, 2),
		"another one's claims":              part(good, 0) + "." + part(admin, 1) + "." + part(good, 2),
		"no signature":                      part(good, 0) + "." + part(good, 1) + ".",
		"two parts":                         part(good, 0) + "." + part(good, 1),
		"cut":                               good[:len(good)-1],
		"something behind it":               good + "A",
		"a space before it":                 " " + good,
		"alg none":                          "eyJhbGciOiJub25lIiwidHlwIjoiaW50ZXJuYWwrand0In0." + part(good, 1) + ".",
		"a word":                            "token",
		"a workload's header over a user's": part(signed(t, v.key, "workload+jwt", v.workload()), 0) + "." + part(good, 1) + "." + part(good, 2),
	} {
		mustBeRefused(t, name, v, "Bearer "+raw)
	}
	for name, sent := range map[string][]string{
		"none":              nil,
		"empty":             {""},
		"the same twice":    {"Bearer " + good, "Bearer " + good},
		"another beside it": {"Bearer " + good, "Basic YTpi"},
		"lower case":        {"bearer " + good},
		"another scheme":    {"DPoP " + good},
		"no scheme":         {good},
		"no token":          {"Bearer"},
		"an empty token":    {"Bearer "},
		"a list":            {"Bearer " + good + ", Bearer " + good},
	} {
		mustBeRefused(t, name, v, sent...)
	}
}

func TestARevokedUsersTokenIsRefused(t *testing.T) {
	v := newVerifier(t)
	user, workload := "Bearer "+signed(t, v.key, "internal+jwt", v.user()), "Bearer "+signed(t, v.key, "workload+jwt", v.workload())
	issued := v.clock.Now()
	v.revoked.Announce(trust.Ended{Subjects: map[string]time.Time{"alice": issued}})
	if _, err := v.verify(user); err != nil {
		t.Error("revoked was what is older:", err)
	}
	v.revoked.Announce(trust.Ended{Subjects: map[string]time.Time{"alice": issued.Add(time.Millisecond), "": issued.Add(time.Hour)}})
	mustBeRefused(t, "a revoked user's", v, user)
	if _, err := v.verify(workload); err != nil {
		t.Error("the workload's own:", err)
	}
	v.revoked.Announce(trust.Ended{})
	if _, err := v.verify(user); err != nil {
		t.Error("when nobody has to know any more:", err)
	}
}

// What a session's end takes with it is what was issued for that session.
func TestTheTokenOfAnEndedSessionIsRefused(t *testing.T) {
	v := newVerifier(t)
	of := func(session any) string {
		return "Bearer " + signed(t, v.key, "internal+jwt", but(v.user(), object{"sid": session}))
	}
	v.revoked.Announce(trust.Ended{Grants: []string{"ended", "too"}})
	for _, session := range []any{nil, "another", "Ended", "end"} {
		if _, err := v.verify(of(session)); err != nil {
			t.Errorf("of %v: %v", session, err)
		}
	}
	mustBeRefused(t, "of the session that has ended", v, of("ended"))
}

// Where nobody knows what was revoked, a user is asked to come back; a workload's own token says nothing of a user.
func TestWithoutNewsOfRevocationsUsersAreNotLetIn(t *testing.T) {
	v := newVerifier(t)
	set, err := token.NewKeySet(v.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	keys := trust.NewKeys(func(context.Context) (*token.KeySet, error) { return set, nil }, v.clock.Now)
	known := trust.NewRevocations(time.Minute, v.clock.Now)
	v.Profile = exchange.New(trust.Options{Domain: trusttest.DomainName, Now: v.clock.Now, Keys: keys, Revocations: known})
	user, workload := "Bearer "+signed(t, v.key, "internal+jwt", v.user()), "Bearer "+signed(t, v.key, "workload+jwt", v.workload())
	for _, heard := range []bool{false, true} {
		if heard {
			known.Heard(v.clock.Now())
		}
		_, err := v.verify(user)
		if failure := fault.From(err); heard == (err != nil) || !heard && (failure.Code != fault.Unavailable || failure.RetryAfter == 0 || rpc.Refused(failure)) {
			t.Errorf("a user's, heard %t: %v", heard, err)
		}
		if _, err := v.verify(workload); err != nil {
			t.Errorf("a workload's own, heard %t: %v", heard, err)
		}
	}
}

// That the keys are not known yet is nothing that the caller has done wrong.
func TestWithoutKeysNobodyIsBlamed(t *testing.T) {
	v := newVerifier(t)
	keys := trust.NewKeys(func(context.Context) (*token.KeySet, error) { return nil, away }, v.clock.Now)
	v.Profile = exchange.New(trust.Options{Domain: trusttest.DomainName, Now: v.clock.Now, Keys: keys, Revocations: v.revoked})
	_, err := v.verify("Bearer " + signed(t, v.key, "internal+jwt", v.user()))
	if failure := fault.From(err); failure == nil || failure.Code != fault.Unavailable || rpc.Refused(failure) {
		t.Errorf("got %v, want unavailable", err)
	}
}
