package systemtest

import (
	"context"
	"testing"

	"oms/modules/inventory"
	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
)

// Who is not in the list of callers is refused, whoever he says he calls for, and however well he proves it.
func TestAGoodUserMakesNobodyACaller(t *testing.T) {
	reserving := func(ctx context.Context, conn rpc.Conn) error {
		_, err := inventory.Client{Conn: conn}.Reserve(ctx, inventory.ReserveRequest{
			Key: "stolen", Revision: 1, Lines: []inventory.Line{{Category: "electronics", Code: "SOWH1000XM4", Quantity: 1}}, By: "admin",
		})
		return err
	}
	adjusting := func(ctx context.Context, conn rpc.Conn) error {
		_, err := inventory.Client{Conn: conn}.Adjust(ctx, inventory.AdjustRequest{Category: "electronics", Code: "SOWH1000XM4", Delta: -1, Reason: "theft"})
		return err
	}
	for _, profile := range []string{"exchange", "transaction", "peer"} {
		t.Run(profile, func(t *testing.T) {
			d := openSplit(t, withProfile(profile))
			admin := accessToken(d.token("admin"))
			stock := d.available(headphones)
			brought := map[string]identity.Credential{"gateway": admin} // by workload, what it has of the administrator
			if profile == "exchange" {
				given := d.exchangedToken("gateway", "order", sts.AccessToken, admin.Text.Reveal()).AccessToken
				brought["order"] = identity.Credential{Kind: identity.Internal, Text: given}
				brought["inventory"] = identity.Credential{Kind: identity.Internal, Text: d.exchangedToken("order", "inventory", sts.InternalToken, given.Reveal()).AccessToken}
			} else {
				kept, err := d.attacker("gateway", profile).record("order", admin, createOrder)
				if err != nil {
					t.Fatal(err)
				}
				passed := identity.Credential{Kind: identity.Transaction, Text: secret.Text(kept.header.Get("Txn-Token"))}
				brought["order"], brought["inventory"] = passed, passed
			}
			for _, c := range []struct {
				by, callee, operation string
				call                  func(context.Context, rpc.Conn) error
			}{
				{"gateway", "inventory", "inventory.Reserve", reserving},
				{"order", "inventory", "inventory.Adjust", adjusting},
				{"order", "order", "order.Create", createOrder},
				{"inventory", "inventory", "inventory.Adjust", adjusting},
				{"inventory", "inventory", "inventory.Reserve", reserving},
				{"inventory", "order", "order.Create", createOrder},
				{"sts", "order", "order.Create", createOrder},
				{"sts", "inventory", "inventory.Reserve", reserving},
			} {
				what := c.by + " calls " + c.operation
				user, has := brought[c.by]
				if !has {
					user = brought["order"]
				}
				request, err := d.attacker(c.by, profile).record(c.callee, user, c.call)
				if err != nil { // no proof is to be had
					if code := fault.CodeOf(err); profile != "exchange" || code != fault.PermissionDenied && code != fault.Unauthenticated {
						t.Errorf("%s: %v", what, err)
					}
					t.Logf("%s: the STS gives it no proof: %v", what, err)
					continue
				}
				p := d.callerWith(c.callee, d.certificateOf(c.by))
				got := p.send(c.operation, request.body, request.exactly)
				p.expectRefused(what, got, 403, "permission_denied", c.by+" may not call "+c.operation)
				d.expectLogged(c.callee, "msg=decision", "operation="+c.operation, "caller="+c.by, "reason=caller_not_listed")
				t.Logf("%s: %d", what, got.Status)
			}
			if d.available(headphones) != stock {
				t.Error("something was executed")
			}
		})
	}
}
