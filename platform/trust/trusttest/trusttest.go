// Package trusttest is for tests of trust profiles, and of what lies around one: a [Domain] with keys and a clock, in which
// profiles can be opened, and a [Profile] that proves nothing. It is for tests only.
package trusttest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
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

// Header is where the profile's proof travels.
const Header = "Test-Proof"

// Profile says who is calling for whom, as the principal of the caller's context has it, and is believed unless a test
// tells it otherwise. The zero value is ready.
type Profile struct {
	OnAttach  func(c *rpc.Call) error             // replaces the proof where it returns one; nil attaches
	OnVerify  func(c *rpc.Call) error             // refuses where it returns an error; nil accepts
	OnRefused func(refusal *fault.Error) bool     // whether to try again; nil does not
	Names     func(c *rpc.Call) (workload string) // what the proof names as the caller; nil is the caller

	mu       sync.Mutex
	attached int
	verified []rpc.Call
}

var _ rpc.Profile = (*Profile)(nil)

// Name is "test".
func (*Profile) Name() string { return "test" }

// Attach says who the caller and its user are.
func (p *Profile) Attach(ctx context.Context, c *rpc.Call) error {
	p.mu.Lock()
	p.attached++
	p.mu.Unlock()
	if p.OnAttach != nil {
		if err := p.OnAttach(c); err != nil {
			return err
		}
	}
	said := identity.From(ctx)
	said.Caller, said.Transaction = c.Caller, ""
	if p.Names != nil {
		said.Caller = p.Names(c)
	}
	text, err := json.Marshal(said)
	if err != nil {
		return fault.From(err)
	}
	c.SetHeader(Header, string(text))
	return nil
}

// Refused is what OnRefused says.
func (p *Profile) Refused(_ context.Context, _ *rpc.Call, refusal *fault.Error) bool {
	return p.OnRefused != nil && p.OnRefused(refusal)
}

// Verify believes what Attach said.
func (p *Profile) Verify(_ context.Context, c *rpc.Call) (rpc.Proven, error) {
	p.mu.Lock()
	p.verified = append(p.verified, *c)
	p.mu.Unlock()
	if p.OnVerify != nil {
		if err := p.OnVerify(c); err != nil {
			return rpc.Proven{}, err
		}
	}
	var said identity.Principal
	if err := json.Unmarshal([]byte(c.Header.Get(Header)), &said); err != nil {
		return rpc.Proven{}, rpc.NotProven("there is no proof in the call")
	}
	return rpc.Proven{Principal: said}, nil
}

// Attached is how often Attach was asked.
func (p *Profile) Attached() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attached
}

// Verified are the calls that Verify was asked about, in their order.
func (p *Profile) Verified() []rpc.Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]rpc.Call(nil), p.verified...)
}

const (
	// DomainName is the name of the trust domain.
	DomainName = "orders.local"
	// Transaction is the transaction that the calls of [Nobody] and [Alice] belong to.
	Transaction = "0123456789abcdef0123456789abcdef"
)

// Clock is set by hand. The zero value is ready and stands at a whole second. Safe for concurrent use.
type Clock struct{ passed atomic.Int64 }

// Now is what it says.
func (c *Clock) Now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(c.passed.Load()))
}

// Forward sets it forward.
func (c *Clock) Forward(d time.Duration) { c.passed.Add(int64(d)) }

// NewKey makes an ES256 key.
func NewKey(t testing.TB) token.SigningKey {
	t.Helper()
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Domain is a trust domain with a clock of its own. Its STS signs transaction tokens for everybody who asks.
type Domain struct {
	testing.TB
	Clock
	Signing     token.SigningKey // of the STS
	Keys        *trust.Keys
	Revocations trust.Revocations
	Issued      atomic.Int64 // how many transaction tokens were asked for
}

// NewDomain makes a trust domain. Its clock stands between two seconds, which a time in whole seconds cannot say.
func NewDomain(t testing.TB) *Domain {
	t.Helper()
	d := &Domain{TB: t, Signing: NewKey(t)}
	d.Forward(300 * time.Millisecond)
	d.Keys = trust.NewKeys(func(context.Context) (*token.KeySet, error) { return d.KeySet("") }, d.Now)
	return d
}

// KeySet is the STS's one key, whichever is asked for.
func (d *Domain) KeySet(string) (*token.KeySet, error) { return token.NewKeySet(d.Signing.Public()) }

// Options are those of a process that hosts the workloads.
func (d *Domain) Options(workloads ...string) trust.Options {
	dir := d.TempDir()
	return trust.Options{
		Domain: DomainName, Now: d.Now, Keys: d.Keys, Revocations: &d.Revocations, Workloads: workloads,
		KeyFile: func(workload string) string { return filepath.Join(dir, workload+".keys") },
		STS:     func(workload string) trust.TokenService { return transactions{domain: d, workload: workload} },
	}
}

// AlicesToken is a good transaction token, from the gateway to order.
func (d *Domain) AlicesToken() transaction.Token {
	return transaction.Token{
		ID: Transaction, Subject: "alice", Scopes: identity.NewScopes("add_order"), Requesters: []string{"gateway"}, Callee: "order",
		Brought: "access_token", IssuedAt: d.Now(), Expires: d.Now().Add(30 * time.Second),
	}
}

// Sign signs a transaction token with the STS's key.
func (d *Domain) Sign(t transaction.Token) string {
	d.Helper()
	return d.signWith(t, d.Signing)
}

// SignForeign signs a transaction token with a key that nobody knows.
func (d *Domain) SignForeign(t transaction.Token) string {
	d.Helper()
	return d.signWith(t, NewKey(d.TB))
}

func (d *Domain) signWith(t transaction.Token, key token.SigningKey) string {
	d.Helper()
	raw, err := t.Sign(DomainName, key)
	if err != nil {
		d.Fatal(err)
	}
	return raw
}

// Unimplemented is a token service that issues nothing; tests replace what they ask for.
type Unimplemented struct{}

var errUnimplemented = fault.New(fault.Unimplemented, "not asked for here")

// Authenticate implements [trust.TokenService].
func (Unimplemented) Authenticate(context.Context, identity.Credential, string) (trust.Issued, error) {
	return trust.Issued{}, errUnimplemented
}

// Exchange implements [trust.TokenService].
func (Unimplemented) Exchange(context.Context, identity.Credential, string) (trust.Issued, error) {
	return trust.Issued{}, errUnimplemented
}

// WorkloadToken implements [trust.TokenService].
func (Unimplemented) WorkloadToken(context.Context, string) (trust.Issued, error) {
	return trust.Issued{}, errUnimplemented
}

// Transaction implements [trust.TokenService].
func (Unimplemented) Transaction(context.Context, identity.Credential, string) (trust.Issued, error) {
	return trust.Issued{}, errUnimplemented
}

// transactions is the domain's STS as a workload reaches it.
type transactions struct {
	Unimplemented
	domain   *Domain
	workload string
}

var _ trust.TokenService = transactions{}

func (t transactions) Transaction(ctx context.Context, _ identity.Credential, callee string) (trust.Issued, error) {
	t.domain.Issued.Add(1)
	txn := t.domain.AlicesToken()
	txn.ID, txn.Callee, txn.Requesters = identity.From(ctx).Transaction, callee, []string{t.workload}
	return trust.Issued{Token: secret.Text(t.domain.Sign(txn)), IssuedAt: txn.IssuedAt, Expires: txn.Expires, Subject: txn.Subject, Scopes: txn.Scopes}, nil
}

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
