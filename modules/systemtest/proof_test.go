package systemtest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/token"
)

func TestACallWithoutItsProofIsRefused(t *testing.T) {
	d := openSplit(t)
	asOrder, asGateway := d.callerWith("inventory", d.certificateOf("order")), d.callerWith("inventory", d.certificateOf("gateway"))
	own := func(workload, callee string) string {
		return call[sts.WorkloadToken](d.callerWith("sts", d.certificateOf(workload)), "sts.WorkloadToken", sts.WorkloadTokenRequest{Audience: d.identityOf(callee)}).AccessToken.Reveal()
	}
	good, gateways := own("order", "inventory"), own("gateway", "inventory")
	f := newTokenForger(d)
	head, payload := claims{"alg": "ES256", "kid": f.key.ID(), "typ": "workload+jwt"}, claims{
		"iss": d.identityOf("sts"), "sub": d.identityOf("order"), "client_id": d.identityOf("order"), "aud": d.identityOf("inventory"), "jti": "1",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	}
	const request = `{"key":"stolen","revision":1,"lines":[{"category":"electronics","code":"SOWH1000XM4","quantity":1}],"by":"x"}`
	reserve := func(options ...option) Reply { return asOrder.send("inventory.Reserve", request, options...) }
	mine := newKey(t, token.ES256)

	for what, c := range map[string]struct {
		bearer, why string
	}{
		"an edge token":             {d.token("admin"), "does not hold here"},
		"a token for another":       {f.signedBySTS(head, payload.with(claims{"aud": d.identityOf("sts")})), "does not hold here"},
		"a token of another":        {gateways, "proof was issued to gateway, and the certificate is that of order"},
		"signed by somebody":        {signToken(mine, head.with(claims{"kid": mine.ID()}), payload), "does not hold here"},
		"signed with our kid":       {signToken(mine, head, payload), "does not hold here"},
		"of a user without act":     {f.signedBySTS(head.with(claims{"typ": "internal+jwt"}), payload.with(claims{"sub": "admin"})), "does not hold here"},
		"of a user, as a workload":  {f.signedBySTS(head, payload.with(claims{"sub": "admin"})), "does not hold here"},
		"an edge type":              {f.signedBySTS(head.with(claims{"typ": "at+jwt"}), payload), "does not hold here"},
		"of another domain":         {f.signedBySTS(head, payload.with(claims{"client_id": "spiffe://x/order", "sub": "spiffe://x/order"})), "does not hold here"},
		"of the public issuer":      {f.signedBySTS(head, payload.with(claims{"iss": d.config.Server.PublicURL})), "does not hold here"},
		"for several":               {f.signedBySTS(head, payload.with(claims{"aud": []string{d.identityOf("inventory"), d.identityOf("order")}})), "does not hold here"},
		"expired":                   {f.signedBySTS(head, payload.with(claims{"iat": time.Now().Add(-time.Hour).Unix(), "exp": time.Now().Add(-time.Minute).Unix()})), "does not hold here"},
		"of a life without an end":  {f.signedBySTS(head, payload.with(claims{"exp": time.Now().Add(48 * time.Hour).Unix()})), "does not hold here"},
		"nothing":                   {"", "no bearer token"},
		"no token":                  {"x", "does not hold here"},
		"the token twice in a line": {good + ", Bearer " + good, "does not hold here"},
	} {
		asOrder.expectRefused(what, reserve(bearer(c.bearer)), 401, "unauthenticated", c.why)
	}
	asOrder.expectRefused("no token", reserve(), 401, "unauthenticated", "The call has 0 Authorization headers")
	asOrder.expectRefused("two tokens", reserve(bearer(good), header("Authorization", "Bearer "+gateways)), 401, "unauthenticated", "The call has 2 Authorization headers")
	asOrder.expectRefused("a token in the URL", reserve(func(r *http.Request) { r.URL.RawQuery = "access_token=" + good }), 401, "unauthenticated", "0 Authorization headers")
	if got, err := asOrder.try("inventory.Reserve", request, func(r *http.Request) {
		r.Trailer = http.Header{"Authorization": {"Bearer " + good}}
		r.ContentLength, r.GetBody = -1, nil
	}); err == nil {
		t.Errorf("a token behind the body: %d %s", got.Status, got.Body)
	}
	for _, why := range []string{"does not hold here", "proof was issued to gateway", "The call has 2 Authorization headers"} {
		d.expectLogged("inventory", "level=WARN", "a call was refused: its proof does not hold", "peer=order", why)
	}
	d.expectLogged("inventory", "msg=decision", "reason=not_proven", "caller=order")

	asGateway.expectRefused("the gateway", asGateway.send("inventory.Reserve", request, bearer(gateways)), 403, "permission_denied", "gateway may not call inventory.Reserve.")
	d.expectLogged("inventory", "msg=decision", "operation=inventory.Reserve", "caller=gateway", "reason=caller_not_listed")
	asOrder.expectRefused("a manager's work", asOrder.send("inventory.Adjust", "{}", bearer(good), header("Txn-Token", d.token("admin"))), 403, "permission_denied", "order may not call inventory.Adjust.")

	// The head of a request is judged before anything else of it.
	for what, c := range map[string]struct {
		spoil  option
		status int
		code   string
		detail string
	}{
		"an unknown operation": {func(r *http.Request) { r.URL.Path = "/rpc/inventory.Drop" }, 501, "unimplemented", `has no operation "inventory.Drop"`},
		"another module's":     {func(r *http.Request) { r.URL.Path = "/rpc/order.Create" }, 501, "unimplemented", "has no operation"},
		"GET":                  {func(r *http.Request) { r.Method, r.Body, r.ContentLength = http.MethodGet, nil, 0 }, 405, "method_not_allowed", "with POST"},
		"another version":      {setHeader("Rpc-Version", "2"), 501, "unimplemented", `is in version "2"`},
		"no version":           {setHeader("Rpc-Version", ""), 501, "unimplemented", `is in version ""`},
		"no timeout":           {func(r *http.Request) { r.Header.Del("Rpc-Timeout") }, 400, "malformed", "how many milliseconds"},
		"a negative timeout":   {setHeader("Rpc-Timeout", "-1"), 400, "malformed", "how many milliseconds"},
		"no time":              {setHeader("Rpc-Timeout", "0"), 400, "malformed", "how many milliseconds"},
		"a huge timeout":       {setHeader("Rpc-Timeout", "99999999999999999999"), 400, "malformed", "how many milliseconds"},
		"a timeout of words":   {setHeader("Rpc-Timeout", "1e3"), 400, "malformed", "how many milliseconds"},
		"too much":             {body(strings.Repeat(" ", 4<<20) + request), 413, "too_large", "larger than 4 MiB"},
		"too much, unsaid":     {func(r *http.Request) { body(strings.Repeat(" ", 4<<20) + request)(r); r.ContentLength = -1 }, 413, "too_large", "larger than 4 MiB"},
	} {
		asOrder.expectRefused(what, reserve(bearer(good), c.spoil), c.status, c.code, c.detail)
		if strings.Contains(c.detail, "no operation") {
			d.expectLogged("inventory", "msg=decision", "operation=unknown", "caller=order", "reason=unknown_operation")
			continue
		}
		d.expectLogged("inventory", "level=WARN", "a call was refused", "peer=order", `reason="`+c.code)
	}

	if stock := d.available(headphones); stock != 75 {
		t.Errorf("%d in stock: something was executed", stock)
	}
	// What a caller says beside its proof is nobody's word.
	if got := reserve(bearer(good), setHeader("Subject", "admin"), setHeader("Txn-Token", good), setHeader("X-Forwarded-User", "admin"), setHeader("Workload", "gateway")); got.Status != 200 {
		t.Errorf("with everything in place: %d %s", got.Status, got.Body)
	}
	d.expectLogged("inventory", "msg=decision", "operation=inventory.Reserve", "caller=order", `subject=""`, "reason=allowed")
	if bytes.Contains([]byte(d.log("inventory").String()), []byte("caller=workload")) {
		t.Error("a header was believed")
	}
}
