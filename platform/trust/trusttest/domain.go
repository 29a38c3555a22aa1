package trusttest

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/transaction"
)

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
		Domain: DomainName, Now: d.Now, Keys: d.Keys, Revoked: d.Revocations.Revoked, Workloads: workloads,
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
