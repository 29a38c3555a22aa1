package systemtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/platform/trust/transaction"
)

// A user's transaction token is worth something to who may call with it, for its time, and to nobody else.
func TestACapturedTransactionTokenIsWorthWhatItsHolderMayCall(t *testing.T) {
	for _, profile := range []string{"transaction", "peer"} {
		t.Run(profile, func(t *testing.T) {
			d := openSplit(t, withProfile(profile))
			kept, err := d.attacker("gateway", profile).record("order", accessToken(d.token("alice")), createOrder)
			if err != nil {
				t.Fatal(err)
			}
			captured := kept.header.Get("Txn-Token")
			user := identity.Credential{Kind: identity.Transaction, Text: secret.Text(captured)}
			stock := d.available(headphones)

			// With inventory's certificate: it is in no list of callers.
			request, err := d.attacker("inventory", profile).record("order", user, createOrder)
			if err != nil {
				t.Fatal(err)
			}
			atOrder := d.callerWith("order", d.certificateOf("inventory"))
			atOrder.expectRefused("with inventory's certificate", atOrder.send("order.Create", request.body, request.exactly), 403, "permission_denied", "inventory may not call order.Create")
			atSTS := d.callerWith("sts", d.certificateOf("inventory"))
			for _, kind := range []string{sts.TransactionToken, sts.AccessToken, sts.InternalToken, sts.SessionToken} {
				got := atSTS.send("sts.Exchange", exchangeRequest(d, kind, captured, d.identityOf("order")))
				atSTS.expectRefused("traded as "+kind, got, 403, "permission_denied", "inventory may not call sts.Exchange")
				t.Logf("traded by inventory as %s: %d", kind, got.Status)
			}
			for _, by := range []string{"gateway", "order"} { // who may trade at all gets nothing that it says it is not
				p := d.callerWith("sts", d.certificateOf(by))
				for _, kind := range []string{sts.AccessToken, sts.InternalToken, sts.SessionToken} {
					if got := p.send("sts.Exchange", exchangeRequest(d, kind, captured, d.identityOf("inventory"))); got.Status != 401 && got.Status != 403 {
						t.Errorf("traded by %s as %s: %d %s", by, kind, got.Status, got.Body)
					}
				}
			}

			// At the public listener: it is no access token, and a header of its own is nothing there.
			for what, with := range map[string]option{
				"as an access token": bearer(captured), "in its header": setHeader("Txn-Token", captured),
				"as a session": withCookies(&http.Cookie{Name: sts.SessionCookie, Value: captured}),
			} {
				got := d.do("POST", "/order", with, body(orderBody("robbed")))
				if got.Status != 401 {
					t.Errorf("%s: %d %s", what, got.Status, got.Body)
				}
				t.Logf("at the public listener, %s: %d", what, got.Status)
			}
			if got := d.do("GET", "/ui/orders", withCookies(&http.Cookie{Name: sts.SessionCookie, Value: captured})); got.Status == 200 {
				t.Error("as a session it shows orders")
			}

			// With the gateway's certificate, where one good token is all that is needed.
			gateways := d.callerWith("order", d.certificateOf("gateway"))
			now := time.Now()
			signing := newTokenForger(d).key
			token := func(change func(*transaction.Token)) string {
				made := transaction.Token{
					ID: attackedTransaction, Subject: "alice", Scopes: identity.NewScopes("add_order"), Requesters: []string{"gateway"}, Callee: "order",
					Brought: "access_token", IssuedAt: now, Expires: now.Add(30 * time.Second),
				}
				change(&made)
				raw, err := made.Sign(d.config.Trust.Domain, signing)
				if err != nil {
					t.Fatal(err)
				}
				return raw
			}
			for what, c := range map[string]struct {
				tokens []string
				why    string
			}{
				"expired": {[]string{token(func(t *transaction.Token) {
					t.IssuedAt, t.Expires = now.Add(-2*time.Minute), now.Add(-time.Minute-time.Second)
				})}, "does not hold"},
				"of too long a life":          {[]string{token(func(t *transaction.Token) { t.Expires = now.Add(time.Hour) })}, "does not hold"},
				"of another transaction":      {[]string{token(func(t *transaction.Token) { t.ID = strings.Repeat("1", 32) })}, "another transaction"},
				"of nobody's request":         {[]string{token(func(t *transaction.Token) { t.Requesters = nil })}, "does not hold"},
				"altered":                     {[]string{withOneCharacterChanged(captured)}, "does not hold"},
				"without its signature":       {[]string{captured[:strings.LastIndex(captured, ".")+1]}, "does not hold"},
				"twice":                       {[]string{captured, captured}, "2 transaction tokens"},
				"beside a foreign one":        {[]string{captured, token(func(t *transaction.Token) { t.Subject = "admin" })}, "2 transaction tokens"},
				"twice in a line":             {[]string{captured + ", " + captured}, "does not hold"},
				"empty":                       {[]string{""}, "empty transaction token"},
				"an access token in its name": {[]string{d.token("alice")}, "does not hold"},
			} {
				request, err := d.attacker("gateway", profile).record("order", identity.Credential{Kind: identity.Transaction, Text: secret.Text(c.tokens[0])}, createOrder)
				if c.tokens[0] == "" {
					request, err = kept, nil
				}
				if err != nil {
					t.Fatal(err)
				}
				request.header["Txn-Token"] = c.tokens
				got := gateways.send(request.operation, request.body, request.exactly)
				if profile == "peer" && c.tokens[0] == "" { // what the proof is bound to is looked at first
					c.why = "for another user's transaction token"
				}
				gateways.expectProofRefused(what, got, c.why)
			}
			if d.available(headphones) != stock {
				t.Error("something was executed")
			}
			if request, err = d.attacker("gateway", profile).record("order", user, createOrder); err != nil {
				t.Fatal(err)
			}
			if got := gateways.send(request.operation, request.body, request.exactly); got.Status != 200 || d.available(headphones) != stock-1 {
				t.Errorf("by who may call with it: %d %s", got.Status, got.Body)
			}
		})
	}
}
