package trusttest

import (
	"context"
	"crypto/sha256"
	"net/http"
	"testing"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/trust"
)

// Nobody is the context of code that runs for nobody.
func Nobody() context.Context {
	return identity.With(context.Background(), identity.Principal{Transaction: Transaction})
}

// Alice is the context of code that runs for alice, with what she brought to the edge.
func Alice() context.Context { return With(identity.EdgeToken, "what alice brought") }

// With is the context of code that runs for whoever has brought a credential.
func With(kind identity.Kind, text string) context.Context {
	return identity.WithCredential(Nobody(), identity.Credential{Kind: kind, Text: secret.Text(text)})
}

// Call is one attempt, before anything is attached to it.
func Call(caller, callee, operation, body string) *rpc.Call {
	return &rpc.Call{Operation: operation, Caller: caller, Callee: callee, Header: http.Header{}, Digest: sha256.Sum256([]byte(body))}
}

// Received is the call as the callee has it: its own view, with the caller's header; change spoils it.
func Received(c *rpc.Call, change ...func(*rpc.Call)) *rpc.Call {
	at := *c
	at.Header = c.Header.Clone()
	for _, f := range change {
		f(&at)
	}
	return &at
}

// MustAttach attaches a proof to c.
func MustAttach(t testing.TB, p trust.Profile, ctx context.Context, c *rpc.Call) *rpc.Call {
	t.Helper()
	if err := p.Attach(ctx, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// MustVerify says what the proof of c proves.
func MustVerify(t testing.TB, p trust.Profile, c *rpc.Call) rpc.Proven {
	t.Helper()
	proven, err := p.Verify(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return proven
}

// MustRefuse expects a refusal of the proof, and nothing proven.
func MustRefuse(t testing.TB, p trust.Profile, what string, c *rpc.Call) {
	t.Helper()
	proven, err := p.Verify(context.Background(), c)
	if !rpc.Refused(fault.From(err)) || proven.Subject != "" {
		t.Errorf("%s: %+v, %v", what, proven, err)
	}
}
