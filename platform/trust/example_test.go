package trust_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
	"oms/platform/trust"
)

// A TOY, to show what a profile is made of: all workloads share one secret, so that each could pose as any other; only the
// certificates below it prevent that. It knows no users.
type sharedSecret struct{ secret []byte }

func (sharedSecret) Name() string { return "shared-secret" }

// Attach proves that the caller knows the secret, for this call alone.
func (s sharedSecret) Attach(_ context.Context, c *rpc.Call) error {
	c.SetHeader("Toy-Proof", c.Caller+" "+s.proof(c.Caller, c))
	return nil
}

// Verify says which caller the proof names; whether the certificate says the same is checked by the transport.
func (s sharedSecret) Verify(_ context.Context, c *rpc.Call) (rpc.Proven, error) {
	caller, proof, _ := strings.Cut(c.Header.Get("Toy-Proof"), " ")
	if !hmac.Equal([]byte(proof), []byte(s.proof(caller, c))) {
		return rpc.Proven{}, rpc.NotProven("The caller does not know the secret.")
	}
	return rpc.Proven{Principal: identity.Principal{Caller: caller}}, nil
}

// Refused has nothing to renew.
func (sharedSecret) Refused(context.Context, *rpc.Call, *fault.Error) bool { return false }

// User is always nobody.
func (sharedSecret) User(context.Context, string, string) (trust.Issued, error) {
	return trust.Issued{}, nil
}

func (s sharedSecret) proof(caller string, c *rpc.Call) string {
	mac := hmac.New(sha256.New, s.secret)
	fmt.Fprintf(mac, "%s\n%s\n%s\n%x", caller, c.Callee, c.Operation, c.Digest)
	return hex.EncodeToString(mac.Sum(nil))
}

// (The end of what docs/trust.md shows.)

var _ trust.Profile = sharedSecret{}

func TestTheExampleOfAProfileWorks(t *testing.T) {
	host, _ := rpctest.NewProbe(t)
	good := rpctest.InProcess(host, "gateway", sharedSecret{[]byte("known to all")})
	answer, err := rpctest.Public.Call(t.Context(), good, rpctest.Nothing{})
	if err != nil || answer.Caller != "gateway" || answer.Subject != "" {
		t.Errorf("%+v, %v", answer, err)
	}
	forged := rpctest.InProcess(host, "gateway", forger{sharedSecret{[]byte("known to all")}})
	if _, err := rpctest.Public.Call(t.Context(), forged, rpctest.Nothing{}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a proof that names another caller than the certificate: %v", err)
	}
}

// forger names another caller than the one it is.
type forger struct{ sharedSecret }

func (f forger) Attach(_ context.Context, c *rpc.Call) error {
	c.SetHeader("Toy-Proof", "order "+f.proof("order", c))
	return nil
}

func TestTheDocumentShowsTheExampleAsItIs(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../docs/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	shown := text[strings.Index(text, "// A TOY"):strings.Index(text, "// (The end of")]
	if !strings.Contains(string(document), "```go\n"+strings.TrimSpace(shown)+"\n```") {
		t.Error("docs/trust.md does not show the example as it is here")
	}
}
