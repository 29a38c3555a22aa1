package systemtest

import (
	"testing"
	"time"

	"oms/modules/sts"
)

func TestADisabledUserIsRefusedEverywhereWithinSeconds(t *testing.T) {
	d := openSplit(t)
	edgeToken := d.token("admin")
	d.placeOrder("before", edgeToken)
	given := d.exchangedToken("gateway", "order", sts.AccessToken, edgeToken).AccessToken.Reveal()
	onward := d.exchangedToken("order", "inventory", sts.InternalToken, given).AccessToken.Reveal()
	atOrder, atInventory, atSTS := d.callerWith("order", d.certificateOf("gateway")), d.callerWith("inventory", d.certificateOf("order")), d.callerWith("sts", d.certificateOf("order"))
	const request = `{"key":"replayed","revision":1,"lines":[{"category":"books","code":"978-1617295959","quantity":1}],"by":"admin"}`
	list := func() Reply { return atOrder.send("order.List", "{}", bearer(given)) }
	reserve := func() Reply { return atInventory.send("inventory.Reserve", request, bearer(onward)) }
	onwards := func() Reply {
		return atSTS.send("sts.Exchange", exchangeRequest(d, sts.InternalToken, given, d.identityOf("inventory")))
	}
	edgeList := func() Reply { return d.do("GET", "/order", bearer(edgeToken)) }
	for i, got := range []Reply{list(), reserve(), onwards(), edgeList()} {
		if got.Status != 200 {
			t.Fatalf("%d, before: %d %s", i, got.Status, got.Body)
		}
	}
	d.setDisabled("admin", true)
	disabled := time.Now()
	for i, ask := range []func() Reply{list, reserve, onwards, edgeList} {
		if !eventually(func() bool { return ask().Status == 401 }) {
			t.Errorf("%d still answers %d", i, ask().Status)
		}
	}
	if took := time.Since(disabled); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	d.expectLogged("inventory", "its proof does not hold", "peer=order", "was revoked")
}
