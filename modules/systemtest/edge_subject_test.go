package systemtest_test

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

// A disabled user's tokens stop to hold at once, and a withdrawn right is gone although a token names it (CWE-613).
func TestTokenOfADisabledUser(t *testing.T) {
	f := newForge(openEdge(t))
	good := f.own(f.header, f.claims)
	f.accepted(good)
	f.disable("alice", true)
	f.refused("disabled", good)
	f.disable("alice", false)
	f.accepted(good)
	more := f.own(f.header, f.claims.with(claims{"scope": "add_order cancel_order view_orders"})) // alice has add_order only
	f.wantsRefusal(f.do("DELETE", "/order/accepted", bearer(more)), 403, `Bearer error="insufficient_scope", scope="cancel_order"`)
}

// CWE-1392: the demo's passwords are known to everybody, so its accounts are good only while the demo is on.
func TestTokenOfADemoUserWhereTheDemoIsOff(t *testing.T) {
	dir := t.TempDir()
	var demo string
	t.Run("on", func(t *testing.T) {
		f := newForge(openEdgeOn(t, dir))
		demo = f.own(f.header, f.claims)
		f.accepted(demo)
	})
	f := newForge(openEdgeOn(t, dir, func(c *system.Config) { c.Demo.Enabled = false }))
	f.refused("seeded earlier", demo)
	_, err := sts.AddUser.Call(t.Context(), f.operators(), sts.AddUserRequest{Name: "carol", Scopes: identity.NewScopes("add_order"), Password: "a long pass phrase"})
	if err != nil {
		t.Fatal(err)
	}
	f.wants(f.do("GET", "/order", bearer(f.token("carol"))), 200)
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
	f := newForge(openEdge(t, trust, trustOther))
	now := time.Now().Unix()
	header := claims{"alg": "ES256", "typ": "JWT", "kid": key.ID()}
	payload := claims{"iss": "wso2", "aud": "shop", "sub": "alice", "iat": now, "exp": now + 600, "scope": "add_order cancel_order view_orders manage_inventory"}
	good := sign(key, header, payload)
	f.accepted(good)

	f.wantsRefusal(f.do("DELETE", "/order/accepted", bearer(good)), 403, `Bearer error="insufficient_scope", scope="cancel_order"`)
	f.wantsRefusal(f.do("POST", "/inventory/"+sony+"/adjustments", bearer(good), body("{}")), 403, `Bearer error="insufficient_scope", scope="manage_inventory"`)
	if got := f.wants(f.do("GET", "/order/accepted", bearer(good)), 200); !strings.Contains(got.body, `"owner":"wso2|alice"`) {
		t.Errorf("owner: %s", got.body)
	}
	f.place("of-our-alice", f.token("alice"))
	for who, lists := range map[string]struct{ token, id string }{"ours": {f.token("alice"), "of-our-alice"}, "theirs": {good, "accepted"}} {
		if page := f.list("", lists.token); len(page.Data) != 1 || page.Data[0].ID != lists.id {
			t.Errorf("%s lists %+v", who, page)
		}
	}
	f.wantsProblem(f.do("POST", "/order", bearer(f.token("alice")), body(anOrder("accepted"))), 409, "conflict")

	otherHeader := header.with(claims{"kid": otherKey.ID()})
	f.wants(f.do("GET", "/order", bearer(sign(otherKey, otherHeader, payload.with(claims{"iss": "other"})))), 200)
	for name, raw := range map[string]string{
		"an unknown issuer":            sign(key, header, payload.with(claims{"iss": "unknown"})),
		"no issuer":                    sign(key, header, payload.with(claims{"iss": nil})),
		"ours, by their key":           sign(key, header.with(claims{"typ": "at+jwt"}), f.claims),
		"ours, by their key, our kid":  sign(key, header.with(claims{"typ": "at+jwt", "kid": f.key.ID()}), f.claims),
		"theirs, by our key":           f.own(header, payload),
		"theirs, by the other's key":   sign(otherKey, otherHeader, payload),
		"their kid, the other's key":   sign(otherKey, header, payload),
		"the other's iss, their kid":   sign(key, header, payload.with(claims{"iss": "other"})),
		"for us instead of their shop": sign(key, header, payload.with(claims{"aud": f.config.Server.PublicURL})),
		"of our type":                  sign(key, header.with(claims{"typ": "at+jwt"}), payload),
		"lives too long":               sign(key, header, payload.with(claims{"exp": now + 86401})),
	} {
		f.refused(name, raw)
	}
}
