package peer_test

import (
	"context"
	"encoding/base64"
	"testing"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/trust/peer"
	"oms/platform/trust/trusttest"
)

// FuzzProof: a callee that was started anew believes nothing that is sent beside a call before it has told the caller its nonce:
// everything is refused or asked for another proof, and never ends as a defect of ours.
func FuzzProof(f *testing.F) {
	d := trusttest.NewDomain(f)
	gateway, err := peer.New(d.Options("gateway"))
	if err != nil {
		f.Fatal(err)
	}
	order, err := peer.New(d.Options("order"))
	if err != nil {
		f.Fatal(err)
	}
	call := trusttest.MustAttach(f, gateway, trusttest.Nobody(), trusttest.Call("gateway", "order", "order.Get", "{}"))
	proof, keys := call.Header.Get("Workload-Proof"), call.Header.Get("Workload-Keys")
	f.Add(proof, keys, "")
	f.Add(proof+".", keys, "x")
	f.Add("", "", "")
	f.Add(proof, base64.RawURLEncoding.EncodeToString([]byte(`{"keys":[{"kty":"oct","k":"AA"}]}`)), "")
	f.Add("e30.e30.", "%", d.Sign(d.AlicesToken()))
	f.Fuzz(func(t *testing.T, proof, keys, user string) {
		received := trusttest.Call("gateway", "order", "order.Get", "{}")
		for name, value := range map[string]string{"Workload-Proof": proof, "Workload-Keys": keys, "Txn-Token": user} {
			if value != "" {
				received.SetHeader(name, value)
			}
		}
		proven, err := order.Verify(context.Background(), received)
		if err == nil {
			t.Fatalf("a start that nobody has met accepts %q and proves %+v", proof, proven)
		}
		if failure := fault.From(err); !rpc.Refused(failure) || failure.Code == fault.Internal || proven.Subject != "" || len(failure.Detail) > 1000 {
			t.Fatalf("%v, %+v", err, proven)
		}
	})
}
