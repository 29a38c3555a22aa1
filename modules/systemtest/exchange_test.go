package systemtest

import (
	"testing"

	"oms/modules"
	"oms/modules/sts"
)

func TestACapturedOrderProcessExchangesNoMoreThanItWasGiven(t *testing.T) {
	d := openSplit(t)
	captured := d.callerWith("sts", d.certificateOf("order"))
	edgeToken := d.token("admin", "add_order")
	given := d.exchangedToken("gateway", "order", sts.AccessToken, edgeToken)
	onward := d.exchangedToken("order", "inventory", sts.InternalToken, given.AccessToken.Reveal())
	own := call[sts.WorkloadToken](captured, "sts.WorkloadToken", sts.WorkloadTokenRequest{Audience: d.identityOf("inventory")}).AccessToken.Reveal()
	if given.Scope != "add_order" || onward.Scope != "" || onward.Subject != "admin" {
		t.Errorf("an admin's narrow token became %q, then %q of %q", given.Scope, onward.Scope, onward.Subject)
	}
	if onward.ExpiresIn > given.ExpiresIn {
		t.Errorf("the token lives for %d s, that it was exchanged for only %d s", onward.ExpiresIn, given.ExpiresIn)
	}
	for what, c := range map[string]struct {
		request string
		status  int
		code    string
	}{
		"a stolen edge token":           {exchangeRequest(d, sts.AccessToken, edgeToken, d.identityOf("inventory")), 403, "permission_denied"},
		"a stolen session":              {exchangeRequest(d, sts.SessionToken, "AAAA", d.identityOf("inventory")), 403, "permission_denied"},
		"an edge token as ours":         {exchangeRequest(d, sts.InternalToken, edgeToken, d.identityOf("inventory")), 401, "unauthenticated"},
		"a token for another workload":  {exchangeRequest(d, sts.InternalToken, onward.AccessToken.Reveal(), d.identityOf("inventory")), 401, "unauthenticated"},
		"a workload's token as a user":  {exchangeRequest(d, sts.InternalToken, own, d.identityOf("inventory")), 401, "unauthenticated"},
		"another kind":                  {exchangeRequest(d, "urn:ietf:params:oauth:token-type:id_token", given.AccessToken.Reveal(), d.identityOf("inventory")), 422, "invalid_argument"},
		"for itself":                    {exchangeRequest(d, sts.InternalToken, given.AccessToken.Reveal(), d.identityOf("order")), 403, "permission_denied"},
		"for the gateway":               {exchangeRequest(d, sts.InternalToken, given.AccessToken.Reveal(), d.identityOf("gateway")), 403, "permission_denied"},
		"for the STS":                   {exchangeRequest(d, sts.InternalToken, given.AccessToken.Reveal(), d.identityOf("sts")), 403, "permission_denied"},
		"for nobody":                    {exchangeRequest(d, sts.InternalToken, given.AccessToken.Reveal(), d.identityOf("nobody")), 403, "permission_denied"},
		"for another domain":            {exchangeRequest(d, sts.InternalToken, given.AccessToken.Reveal(), "spiffe://x/inventory"), 403, "permission_denied"},
		"for the public":                {exchangeRequest(d, sts.InternalToken, given.AccessToken.Reveal(), d.config.Server.PublicURL), 403, "permission_denied"},
		"nothing for nobody":            {"{}", 403, "permission_denied"},
		"something that is no request":  {"[]", 400, "malformed"},
		"a token of its own for itself": {`{}`, 403, "permission_denied"},
	} {
		captured.expectRefused(what, captured.send("sts.Exchange", c.request), c.status, c.code, "")
	}
	d.expectLogged("sts", "level=WARN", "an exchange was refused", "caller=order", "Only the gateway exchanges what users bring")
	for _, audience := range []string{"order", "gateway", "sts", "nobody"} {
		captured.expectRefused("its own token for "+audience, captured.send("sts.WorkloadToken", `{"audience":"`+d.identityOf(audience)+`"}`), 403, "permission_denied", "invalid_target")
	}
	for operation, refusal := range map[string]int{"sts.Authenticate": 401, "sts.AuthenticateSession": 401, "sts.ServerCertificate": 403, "sts.Enrol": 403} {
		if got := captured.send(operation, "{}"); got.Status != refusal {
			t.Errorf("%s: %d %s", operation, got.Status, got.Body)
		}
	}
}

func TestACapturedInventoryCallsNothing(t *testing.T) {
	d := openSplit(t)
	given := d.exchangedToken("gateway", "order", sts.AccessToken, d.token("admin"))
	onward := d.exchangedToken("order", "inventory", sts.InternalToken, given.AccessToken.Reveal()).AccessToken.Reveal()
	may := map[string]bool{"sts.Renew": true, "sts.Keys": true, "sts.Feed": true, "sts.PublishKeys": true}
	for _, m := range modules.All {
		if m.Public {
			continue
		}
		captured := d.callerWith(m.Name, d.certificateOf("inventory"))
		for _, operation := range m.OperationsIn(modules.All) {
			name := operation.Row().Name
			for _, shown := range []string{onward, given.AccessToken.Reveal(), d.token("admin")} {
				got := captured.send(name, exchangeRequest(d, sts.InternalToken, onward, d.identityOf("order")), bearer(shown))
				if may[name] && (got.Status == 200 || got.Status == 422) || got.Status == 401 || got.Status == 403 {
					continue
				}
				t.Errorf("%s: %d %s", name, got.Status, got.Body)
			}
		}
	}
}
