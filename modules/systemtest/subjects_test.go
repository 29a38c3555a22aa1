package systemtest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/modules/system"
	"oms/platform/identity"
	"oms/platform/issuers"
	"oms/platform/token"
)

// A disabled user's tokens stop to hold at once and for good, and a withdrawn right is gone although a token names it (CWE-613).
func TestTokenOfADisabledUser(t *testing.T) {
	f := newTokenForger(open(t))
	good := f.signedBySTS(f.header, f.claims)
	f.expectAccepted(good)
	f.setDisabled("alice", true)
	f.expectRefused("disabled", good)
	f.setDisabled("alice", false)
	f.expectRefused("disabled and enabled again", good)
	after := claims{"iat": time.Now().Add(time.Second).Unix()} // no earlier, in whole seconds
	f.expectAccepted(f.signedBySTS(f.header, f.claims.with(after)))
	more := f.signedBySTS(f.header, f.claims.with(after).with(claims{"scope": "add_order cancel_order view_orders"})) // alice has add_order only
	f.expectRefusal(f.do("DELETE", "/order/accepted", bearer(more)), 403, `Bearer error="insufficient_scope", scope="cancel_order"`)
}

// CWE-1392: the demo's passwords are known to everybody, so its accounts are good only while the demo is on.
func TestTokenOfADemoUserWhereTheDemoIsOff(t *testing.T) {
	dir := t.TempDir()
	var demo string
	t.Run("on", func(t *testing.T) {
		f := newTokenForger(openOn(t, dir))
		demo = f.signedBySTS(f.header, f.claims)
		f.expectAccepted(demo)
	})
	f := newTokenForger(openOn(t, dir, func(c *system.Config) { c.Demo.Enabled = false }))
	f.expectRefused("seeded earlier", demo)
	_, err := sts.AddUser.Call(t.Context(), f.operators(), sts.AddUserRequest{Name: "carol", Scopes: identity.NewScopes("add_order"), Password: "a long pass phrase"})
	if err != nil {
		t.Fatal(err)
	}
	f.expect(f.do("GET", "/order", bearer(f.token("carol"))), 200)
}

// withIssuer trusts another issuer of that name, with this ceiling, and gives its key.
func withIssuer(t *testing.T, name string, ceiling ...string) (token.SigningKey, func(*system.Config)) {
	t.Helper()
	key := newKey(t, token.ES256)
	set, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/jwks.json"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return key, func(c *system.Config) {
		c.Trust.Issuers = append(c.Trust.Issuers, issuers.Issuer{
			Issuer: name, Audience: "shop", JWKSFile: file, Algorithms: []string{"ES256"}, Types: []string{"JWT"},
			MaxLifetime: 24 * time.Hour, ScopeClaim: "scope", Scopes: ceiling,
		})
	}
}

// An external issuer cannot grant more than its ceiling, and its alice is not ours (RFC 7519 section 4.1.2: sub is
// unique within its issuer).
func TestTokenOfAnExternalIssuer(t *testing.T) {
	key, trust := withIssuer(t, "wso2", "add_order")
	otherKey, trustOther := withIssuer(t, "other", "add_order")
	f := newTokenForger(open(t, trust, trustOther))
	now := time.Now().Unix()
	header := claims{"alg": "ES256", "typ": "JWT", "kid": key.ID()}
	payload := claims{"iss": "wso2", "aud": "shop", "sub": "alice", "iat": now, "exp": now + 600, "scope": "add_order cancel_order view_orders manage_inventory"}
	good := signToken(key, header, payload)
	f.expectAccepted(good)

	f.expectRefusal(f.do("DELETE", "/order/accepted", bearer(good)), 403, `Bearer error="insufficient_scope", scope="cancel_order"`)
	f.expectRefusal(f.do("POST", "/inventory/"+headphones+"/adjustments", bearer(good), body("{}")), 403, `Bearer error="insufficient_scope", scope="manage_inventory"`)
	if got := f.expect(f.do("GET", "/order/accepted", bearer(good)), 200); !strings.Contains(got.Body, `"owner":"wso2|alice"`) {
		t.Errorf("owner: %s", got.Body)
	}
	f.placeOrder("of-our-alice", f.token("alice"))
	for who, lists := range map[string]struct{ token, id string }{"ours": {f.token("alice"), "of-our-alice"}, "theirs": {good, "accepted"}} {
		if page := f.listOrders("", lists.token); len(page.Data) != 1 || page.Data[0].ID != lists.id {
			t.Errorf("%s lists %+v", who, page)
		}
	}
	f.expectProblem(f.do("POST", "/order", bearer(f.token("alice")), body(orderBody("accepted"))), 409, "conflict")

	otherHeader := header.with(claims{"kid": otherKey.ID()})
	f.expect(f.do("GET", "/order", bearer(signToken(otherKey, otherHeader, payload.with(claims{"iss": "other"})))), 200)
	for name, raw := range map[string]string{
		"an unknown issuer":            signToken(key, header, payload.with(claims{"iss": "unknown"})),
		"no issuer":                    signToken(key, header, payload.with(claims{"iss": nil})),
		"ours, by their key":           signToken(key, header.with(claims{"typ": "at+jwt"}), f.claims),
		"ours, by their key, our kid":  signToken(key, header.with(claims{"typ": "at+jwt", "kid": f.key.ID()}), f.claims),
		"theirs, by our key":           f.signedBySTS(header, payload),
		"theirs, by the other's key":   signToken(otherKey, otherHeader, payload),
		"their kid, the other's key":   signToken(otherKey, header, payload),
		"the other's iss, their kid":   signToken(key, header, payload.with(claims{"iss": "other"})),
		"for us instead of their shop": signToken(key, header, payload.with(claims{"aud": f.config.Server.PublicURL})),
		"of our type":                  signToken(key, header.with(claims{"typ": "at+jwt"}), payload),
		"lives too long":               signToken(key, header, payload.with(claims{"exp": now + 86401})),
	} {
		f.expectRefused(name, raw)
	}
}
