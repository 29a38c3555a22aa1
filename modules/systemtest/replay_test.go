package systemtest

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"oms/platform/identity"
	"oms/platform/secret"
)

// Under the profile peer a request that somebody has recorded is worth nothing, also to who holds the gateway's certificate.
func TestARecordedRequestIsExecutedOnce(t *testing.T) {
	d := openSplit(t, withProfile("peer"))
	alice := accessToken(d.token("alice"))
	recordBy := func(workload string, user identity.Credential) recorded {
		t.Helper()
		kept, err := d.attacker(workload, "peer").record("order", user, createOrder)
		if err != nil {
			t.Fatal(err)
		}
		return kept
	}
	record := func() recorded { return recordBy("gateway", alice) }
	stock := d.available(headphones)
	executed := func(what string, n int64) {
		t.Helper()
		if stock -= n; d.available(headphones) != stock {
			t.Fatalf("%s: %d of the stock are left, not %d", what, d.available(headphones), stock)
		}
	}
	at := d.callerWith("order", d.certificateOf("gateway"))
	replay := func(k recorded, options ...option) Reply {
		return at.send(k.operation, k.body, append([]option{k.exactly}, options...)...)
	}

	kept := record()
	for _, name := range []string{"Workload-Proof", "Workload-Keys", "Txn-Token"} {
		if kept.header.Get(name) == "" {
			t.Fatalf("the request has no %s: %v", name, kept.header)
		}
	}
	if got := replay(kept); got.Status != 200 {
		t.Fatalf("the first time: %d %s", got.Status, got.Body)
	}
	executed("the first time", 1)
	at.expectProofRefused("the same once more", replay(kept), "was used already")
	other := d.callerWith("order", d.certificateOf("gateway"))
	other.expectProofRefused("the same over another connection", other.send(kept.operation, kept.body, kept.exactly), "was used already")
	at.expectProofRefused("the same as another operation", replay(recorded{kept.callee, "order.Cancel", kept.header, kept.body}), "for another operation")
	asInventory := d.callerWith("order", d.certificateOf("inventory"))
	asInventory.expectProofRefused("the same with inventory's certificate", asInventory.send(kept.operation, kept.body, kept.exactly), "The proof of inventory does not hold here")
	elsewhere := d.callerWith("inventory", d.certificateOf("gateway"))
	elsewhere.expectProofRefused("the same at inventory", elsewhere.send("inventory.Adjust", kept.body, kept.exactly), "does not hold here")
	executed("replays", 0)

	// Fresh ones, each spoilt in one place.
	set := func(name string, change func(string) string) option {
		return func(r *http.Request) { r.Header.Set(name, change(r.Header.Get(name))) }
	}
	again := func(name string) option { return func(r *http.Request) { r.Header.Add(name, r.Header.Get(name)) } }
	without := func(name string) option { return func(r *http.Request) { r.Header.Del(name) } }
	another := record()
	inventorys := recordBy("inventory", identity.Credential{Kind: identity.Transaction, Text: secret.Text(another.header.Get("Txn-Token"))})
	for what, c := range map[string]struct {
		spoil option
		why   string
	}{
		"the proof with another character":        {set("Workload-Proof", withOneCharacterChanged), "does not hold here"},
		"the proof with another end":              {set("Workload-Proof", func(text string) string { return text + "A" }), "does not hold here"},
		"no proof":                                {without("Workload-Proof"), "has 0 proofs"},
		"the proof twice":                         {again("Workload-Proof"), "has 2 proofs"},
		"another call's proof":                    {setHeader("Workload-Proof", another.header.Get("Workload-Proof")), "for another user's transaction token"},
		"the user's token with another character": {set("Txn-Token", withOneCharacterChanged), "for another user's transaction token"},
		"no user":                         {without("Txn-Token"), "for another user's transaction token"},
		"another call's user":             {setHeader("Txn-Token", another.header.Get("Txn-Token")), "for another user's transaction token"},
		"the user twice":                  {again("Txn-Token"), "has 2 transaction tokens"},
		"the keys with another character": {set("Workload-Keys", withOneCharacterChanged), "cannot be read"},
		"the keys twice":                  {again("Workload-Keys"), "introduces itself more than once"},
		"the transaction of another request": {set("Traceparent", func(text string) string {
			return strings.Replace(text, attackedTransaction, strings.Repeat("1", 32), 1)
		}), "another transaction"},
		"an access token beside it":                 {bearer(alice.Text.Reveal()), "Authorization header"},
		"a body with another character":             {body(strings.Replace(another.body, `"qty":1`, `"qty":9`, 1)), "for another body"},
		"a body with a blank more":                  {body(another.body + " "), "for another body"},
		"a body with a member more":                 {body(strings.Replace(another.body, "{", `{"id":"chosen",`, 1)), "for another body"},
		"an empty body":                             {body("{}"), "for another body"},
		"inventory's keys and proof in place of it": {func(r *http.Request) { r.Header = inventorys.header }, "does not hold here"},
	} {
		fresh := record()
		at.expectProofRefused(what, replay(fresh, c.spoil), c.why)
	}
	executed("spoilt requests", 0)

	// Many at once, over one connection and over many.
	kept = record()
	var all sync.WaitGroup
	var accepted, refused atomic.Int64
	for i := range 50 {
		p := at
		if i%5 == 0 {
			p = d.callerWith("order", d.certificateOf("gateway"))
		}
		all.Go(func() {
			switch got, err := p.try(kept.operation, kept.body, kept.exactly); {
			case err == nil && got.Status == 200:
				accepted.Add(1)
			case err == nil && got.Status == 401 && strings.Contains(got.Body, "was used already"):
				refused.Add(1)
			default:
				t.Errorf("one of 50: %v %v", got, err)
			}
		})
	}
	all.Wait()
	t.Logf("50 at once: %d executed, %d refused", accepted.Load(), refused.Load())
	if accepted.Load() != 1 || refused.Load() != 49 {
		t.Errorf("%d of 50 were executed", accepted.Load())
	}
	executed("50 at once", 1)

	// What order has accepted before, it does not know after a restart: nothing from before counts, used or not.
	unused := record()
	d.stop("order")
	d.start("order")
	at = d.callerWith("order", d.certificateOf("gateway"))
	at.expectProofRefused("a used one after a restart", replay(kept), "not for this start of order")
	at.expectProofRefused("an unused one after a restart", replay(unused), "not for this start of order")
	executed("after a restart", 0)
	if got := replay(record()); got.Status != 200 {
		t.Errorf("a fresh one after a restart: %d %s", got.Status, got.Body)
	}
	executed("a fresh one after a restart", 1)
	d.expectLogged("order", "level=INFO", "a caller is asked for another proof", "peer=gateway", "not for this start of order")
}
