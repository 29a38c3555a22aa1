package peer_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"oms/platform/rpc"
	"oms/platform/trust/trusttest"
)

// When a callee is started anew, many calls are refused at once. The second attempt of each is its last one, so none may
// depend on arriving after another.
func TestEveryRefusedCallIntroducesItsCallerAnew(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order := between(t, d)
	attach := func() *rpc.Call {
		return trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	}
	trusttest.MustVerify(t, order, trusttest.Received(attach()))
	d.Forward(time.Minute)
	order = newPeer(t, d.Options("order"))
	first, second := attach(), attach()
	for _, c := range []*rpc.Call{first, second} {
		if !gateway.Refused(trusttest.Nobody(), c, refusal(t, order, trusttest.Received(c))) {
			t.Error("no other attempt")
		}
	}
	first, second = attach(), attach()
	trusttest.MustVerify(t, order, trusttest.Received(second))
	trusttest.MustVerify(t, order, trusttest.Received(first))
	d.Forward(time.Minute)
	if later := attach(); later.Header.Get("Workload-Keys") != "" {
		t.Error("it introduces itself for ever")
	}
}

// The registry: everybody introduces itself, and nobody another one or too much.
func TestIntroductions(t *testing.T) {
	d := trusttest.NewDomain(t)
	gateway, order := between(t, d)
	good := trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	keys := good.Header.Get("Workload-Keys")
	decoded, err := base64.RawURLEncoding.DecodeString(keys)
	if err != nil {
		t.Fatal(err)
	}
	trusttest.MustRefuse(t, order, "the gateway's keys and proof, with inventory's certificate", trusttest.Received(good, func(c *rpc.Call) { c.Caller = "inventory" }))
	trusttest.MustVerify(t, order, trusttest.Received(good))

	many := `{"keys":[` + strings.Repeat(strings.TrimSuffix(strings.TrimPrefix(string(decoded), `{"keys":[`), `]}`)+",", 9)
	for what, introduced := range map[string]string{
		"not base64url": "***", "not JSON": encode("nothing"), "no keys": encode(`{"keys":[]}`), "not keys": encode(`{"keys":[{}]}`),
		"a shared secret":            encode(`{"keys":[{"kty":"oct","kid":"x","k":"AAAA"}]}`),
		"a name that is not its own": encode(strings.Replace(string(decoded), `"kid":"`, `"kid":"x`, 1)),
		"the same nine times":        encode(strings.TrimSuffix(many, ",") + "]}"),
		"too long":                   strings.Repeat("A", 9<<10),
	} {
		c := trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
		c.Header.Set("Workload-Keys", introduced)
		trusttest.MustRefuse(t, order, what, trusttest.Received(c))
	}
	twice := trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	twice.Header["Workload-Keys"] = []string{keys, keys}
	trusttest.MustRefuse(t, order, "two introductions", trusttest.Received(twice))
	trusttest.MustVerify(t, order, trusttest.Received(trusttest.MustAttach(t, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}")))) // a bad one has not replaced the good one
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
