package trust_test

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/transaction"
)

const (
	domain = "orders.local"
	txnID  = "0123456789abcdef0123456789abcdef"
)

// world is a trust domain whose clock is set by hand. Its STS signs for everybody who asks.
type world struct {
	*testing.T
	signing     token.SigningKey
	keys        *trust.Keys
	revocations trust.Revocations
	issued      atomic.Int64

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 1, 2, 3, 4, 5, 300e6, time.UTC), signing: newKey(t)}
	w.keys = trust.NewKeys(func(context.Context) (*token.KeySet, error) { return token.NewKeySet(w.signing.Public()) }, w.Now)
	return w
}

func newKey(t *testing.T) token.SigningKey {
	t.Helper()
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) forward(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// options are those of a process that hosts the workloads.
func (w *world) options(workloads ...string) trust.Options {
	dir := w.TempDir()
	return trust.Options{
		Domain: domain, Now: w.Now, Keys: w.keys, Revoked: w.revocations.Revoked, Workloads: workloads,
		KeyFile: func(workload string) string { return filepath.Join(dir, workload+".keys") },
		STS:     func(workload string) trust.TokenService { return tokens{w, workload} },
	}
}

// alices is a good transaction token.
func (w *world) alices() transaction.Token {
	return transaction.Token{
		ID: txnID, Subject: "alice", Scopes: identity.NewScopes("add_order"), Requesters: []string{"gateway"}, Callee: "order",
		Brought: "access_token", IssuedAt: w.Now(), Expires: w.Now().Add(30 * time.Second),
	}
}

func (w *world) sign(t transaction.Token) string {
	w.Helper()
	raw, err := t.Sign(domain, w.signing)
	if err != nil {
		w.Fatal(err)
	}
	return raw
}

// tokens is the STS as a workload reaches it.
type tokens struct {
	*world
	workload string
}

func (t tokens) Authenticate(context.Context, identity.Credential, string) (trust.Issued, error) {
	return trust.Issued{}, fault.New(fault.Unimplemented, "not asked for here")
}

func (t tokens) Exchange(context.Context, identity.Credential, string) (trust.Issued, error) {
	return trust.Issued{}, fault.New(fault.Unimplemented, "not asked for here")
}

func (t tokens) WorkloadToken(context.Context, string) (trust.Issued, error) {
	return trust.Issued{}, fault.New(fault.Unimplemented, "not asked for here")
}

func (t tokens) Transaction(ctx context.Context, _ identity.Credential, callee string) (trust.Issued, error) {
	t.issued.Add(1)
	txn := t.alices()
	txn.ID, txn.Callee, txn.Requesters = identity.From(ctx).Transaction, callee, []string{t.workload}
	return trust.Issued{Token: secret.Text(t.sign(txn)), IssuedAt: txn.IssuedAt, Expires: txn.Expires, Subject: txn.Subject, Scopes: txn.Scopes}, nil
}

// alice is the context of code that runs for her, with what she brought; nobody is that of code that runs for nobody.
func alice() context.Context {
	return identity.WithCredential(nobody(), identity.Credential{Kind: identity.EdgeToken, Text: "what alice brought"})
}

func nobody() context.Context {
	return identity.With(context.Background(), identity.Principal{Transaction: txnID})
}

// call is one attempt, before anything is attached to it.
func call(caller, callee, operation, body string) *rpc.Call {
	return &rpc.Call{Operation: operation, Caller: caller, Callee: callee, Header: http.Header{}, Digest: sha256.Sum256([]byte(body))}
}

// received is the call as the callee has it: its own view, with the caller's header.
func received(c *rpc.Call, change ...func(*rpc.Call)) *rpc.Call {
	at := *c
	at.Header = c.Header.Clone()
	for _, f := range change {
		f(&at)
	}
	return &at
}

func mustAttach(t *testing.T, p trust.Profile, ctx context.Context, c *rpc.Call) *rpc.Call {
	t.Helper()
	if err := p.Attach(ctx, c); err != nil {
		t.Fatal(err)
	}
	return c
}

func mustVerify(t *testing.T, p trust.Profile, c *rpc.Call) rpc.Proven {
	t.Helper()
	proven, err := p.Verify(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return proven
}

// mustRefuse expects a refusal of the proof, and nothing proven.
func mustRefuse(t *testing.T, p trust.Profile, what string, c *rpc.Call) {
	t.Helper()
	proven, err := p.Verify(context.Background(), c)
	if !rpc.Refused(fault.From(err)) || proven.Subject != "" {
		t.Errorf("%s: %+v, %v", what, proven, err)
	}
}

// local reaches a host in this process, proven by a profile.
func local(host *rpc.Host, caller string, profile rpc.Profile) rpc.Conn {
	log := slog.New(slog.DiscardHandler)
	return rpc.NewConn(rpc.ConnOptions{Caller: caller, Callee: host.Module(), Profile: profile, Transport: rpc.Local(rpc.NewServer(host, profile, log)), Log: log})
}
