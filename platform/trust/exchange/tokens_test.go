package exchange_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/secret"
	"oms/platform/trust"
	"oms/platform/trust/exchange"
	"oms/platform/trust/trusttest"
)

// tokenService is an STS that counts what it is asked, and gives another token each time.
type tokenService struct {
	clock    trusttest.Clock
	life     time.Duration // of what it issues
	failure  error         // what it answers instead
	asked    atomic.Int64
	entered  chan struct{} // where it is not nil, whoever asks says so here,
	released chan struct{} // and waits for this
}

// client is the token service as one workload reaches it.
type client struct {
	trusttest.Unimplemented
	*tokenService
	workload string
}

var _ trust.TokenService = client{}

func (c client) issue(ctx context.Context, of, callee string) (trust.Issued, error) {
	number := c.asked.Add(1)
	if c.entered != nil {
		c.entered <- struct{}{}
		<-c.released
	}
	if err := ctx.Err(); err != nil {
		return trust.Issued{}, err
	}
	if c.failure != nil {
		return trust.Issued{}, c.failure
	}
	now := c.clock.Now()
	return trust.Issued{
		Token: secret.Text(fmt.Sprintf("%d: %s for %s at %s", number, of, c.workload, callee)), IssuedAt: now, Expires: now.Add(c.life),
	}, nil
}

func (c client) Exchange(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	issued, err := c.issue(ctx, user.Text.Reveal(), callee)
	issued.Subject, issued.Scopes, issued.Grant = "alice", identity.NewScopes("echo"), "of "+user.Text.Reveal()
	return issued, err
}

func (c client) WorkloadToken(ctx context.Context, callee string) (trust.Issued, error) {
	return c.issue(ctx, "itself", callee)
}

var away = fault.Retryable(time.Second, "The STS is away.")

// caller is one workload's side of the profile.
type caller struct {
	*exchange.Profile
	*tokenService
	revoked *trust.Revocations
}

func newCaller(life time.Duration) caller {
	c := caller{tokenService: &tokenService{life: life}, revoked: &trust.Revocations{}}
	c.Profile = exchange.New(trust.Options{
		Domain: trusttest.DomainName, Now: c.clock.Now, Revocations: c.revoked,
		STS: func(workload string) trust.TokenService {
			return client{tokenService: c.tokenService, workload: workload}
		},
	})
	return c
}

// attach gives what the profile attaches to a call from the gateway to order.
func (c caller) attach(t testing.TB, ctx context.Context) (proof string, err error) {
	t.Helper()
	to := trusttest.Call("gateway", "order", "order.Get", "")
	err = c.Attach(ctx, to)
	return to.Header.Get("Authorization"), err
}

// mustHaveAsked attaches a proof, and says how often the STS has been asked for that in all.
func (c caller) mustHaveAsked(t testing.TB, ctx context.Context, when string, want int64) (proof string) {
	t.Helper()
	proof, err := c.attach(t, ctx)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	if got := c.asked.Load(); got != want {
		t.Errorf("%s: asked %d times, want %d", when, got, want)
	}
	return proof
}

func TestATokenIsUsedUntilShortlyBeforeItsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		ctx          context.Context
		life, before time.Duration
	}{
		"a user's":               {trusttest.Alice(), 5 * time.Minute, 5*time.Minute - 15*time.Second},
		"a user's that is short": {trusttest.Alice(), 20 * time.Second, 10 * time.Second},
		"a workload's own":       {trusttest.Nobody(), 24 * time.Hour, 12 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			at := newCaller(c.life)
			first := at.mustHaveAsked(t, c.ctx, "at first", 1)
			at.clock.Forward(c.before - 1)
			if again := at.mustHaveAsked(t, c.ctx, "before it is due", 1); again != first {
				t.Errorf("got %q after %q", again, first)
			}
			at.clock.Forward(1)
			if next := at.mustHaveAsked(t, c.ctx, "when it is due", 2); next == first {
				t.Error("the old token is still used")
			}
		})
	}
}

func TestATokenIsForOneCredentialOneCallerAndOneCallee(t *testing.T) {
	c := newCaller(time.Minute)
	seen := map[string]bool{}
	for _, one := range []struct {
		ctx      context.Context
		from, to string
	}{
		{trusttest.Nobody(), "gateway", "order"}, {trusttest.Nobody(), "gateway", "inventory"}, {trusttest.Nobody(), "order", "inventory"},
		{trusttest.Alice(), "gateway", "order"}, {trusttest.Alice(), "gateway", "inventory"}, {trusttest.Alice(), "order", "inventory"},
		{trusttest.With(identity.Session, "what alice brought"), "gateway", "order"}, {trusttest.With(identity.Internal, "what alice brought"), "gateway", "order"},
		{trusttest.With(identity.EdgeToken, "bob's"), "gateway", "order"}, {trusttest.With(identity.EdgeToken, ""), "gateway", "order"},
	} {
		for range 2 {
			attached := trusttest.MustAttach(t, c, one.ctx, trusttest.Call(one.from, one.to, one.to+".Get", ""))
			seen[attached.Header.Get("Authorization")] = true
		}
	}
	if asked := c.asked.Load(); asked != 10 || len(seen) != 10 {
		t.Errorf("asked %d times for %d tokens, want 10", asked, len(seen))
	}
}

func TestWhoTheUserIsCostsNoOtherToken(t *testing.T) {
	c := newCaller(time.Minute)
	nobody, err := c.User(trusttest.Nobody(), "gateway", "order")
	if err != nil || nobody.Subject != "" || nobody.Token != "" || c.asked.Load() != 0 {
		t.Errorf("without a credential: %+v, %v, asked %d times", nobody, err, c.asked.Load())
	}
	user, err := c.User(trusttest.Alice(), "gateway", "order")
	if err != nil || user.Subject != "alice" || !user.Scopes.Has("echo") {
		t.Errorf("with one: %+v, %v", user, err)
	}
	if proof := c.mustHaveAsked(t, trusttest.Alice(), "for the call", 1); proof != "Bearer "+user.Token.Reveal() {
		t.Errorf("the call shows %q", proof)
	}
}

// waiting is a context that tells when somebody waits for its end.
type waiting struct {
	context.Context
	told chan struct{}
}

func (d waiting) Done() <-chan struct{} {
	d.told <- struct{}{}
	return d.Context.Done()
}

func TestAHundredCallsShareOneToken(t *testing.T) {
	c := newCaller(time.Minute)
	c.entered, c.released = make(chan struct{}, 100), make(chan struct{})
	ctx := waiting{trusttest.Alice(), make(chan struct{}, 1000)}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := c.attach(t, ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for range 100 {
		<-ctx.told
	}
	close(c.released)
	all.Wait()
	if got := c.asked.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

// Whoever came first may leave; what was asked for is for all who wait.
func TestACallThatIsGivenUpGivesUpNoOther(t *testing.T) {
	c := newCaller(time.Minute)
	c.entered, c.released = make(chan struct{}), make(chan struct{})
	ctx, leave := context.WithCancel(trusttest.Alice())
	stays := waiting{trusttest.Alice(), make(chan struct{}, 10)}
	first, second := make(chan error), make(chan error)
	go func() { _, err := c.attach(t, ctx); first <- err }()
	<-c.entered
	go func() { _, err := c.attach(t, stays); second <- err }()
	<-stays.told
	leave()
	if err := <-first; fault.CodeOf(err) != fault.Canceled {
		t.Errorf("who left got %v", err)
	}
	close(c.released)
	if err := <-second; err != nil || c.asked.Load() != 1 {
		t.Errorf("who stayed got %v, asked %d times", err, c.asked.Load())
	}
}

func TestATokenIsUsedToItsEndWhileTheSTSIsAway(t *testing.T) {
	for _, c := range []struct {
		name string
		ctx  context.Context
		due  time.Duration
	}{{"a user's", trusttest.Alice(), 45 * time.Second}, {"a workload's own", trusttest.Nobody(), 30 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			at := newCaller(time.Minute)
			first := at.mustHaveAsked(t, c.ctx, "at first", 1)
			at.failure = away
			at.clock.Forward(c.due)
			for second := range 60 - int(c.due/time.Second) {
				for range 10 {
					if proof := at.mustHaveAsked(t, c.ctx, fmt.Sprint(second, " seconds after it was due"), int64(2+second/5)); proof != first {
						t.Fatalf("got %q", proof)
					}
				}
				at.clock.Forward(time.Second)
			}
			if proof, err := at.attach(t, c.ctx); fault.CodeOf(err) != fault.Unavailable || proof != "" {
				t.Errorf("at its end: %q, %v", proof, err)
			}
			at.failure = nil
			if proof, err := at.attach(t, c.ctx); err != nil || proof == first {
				t.Errorf("when the STS is back: %q, %v", proof, err)
			}
		})
	}
}

// That the STS refuses is an answer, and in force at once.
func TestARefusalByTheSTSIsNotSurvived(t *testing.T) {
	for _, code := range []fault.Code{fault.Unauthenticated, fault.PermissionDenied} {
		c := newCaller(time.Minute)
		c.mustHaveAsked(t, trusttest.Alice(), "at first", 1)
		c.clock.Forward(45 * time.Second)
		c.failure = fault.New(code, "No.")
		if proof, err := c.attach(t, trusttest.Alice()); fault.CodeOf(err) != code || proof != "" {
			t.Errorf("%s: %q, %v", code, proof, err)
		}
	}
}

// A session's end drops what was kept for it; what the same user has brought by other ways is used on.
func TestTheTokenOfAnEndedSessionIsUsedNoMore(t *testing.T) {
	c := newCaller(time.Hour)
	one, two := trusttest.With(identity.Session, "one"), trusttest.With(identity.Session, "two")
	c.mustHaveAsked(t, one, "one session", 1)
	c.mustHaveAsked(t, two, "another", 2)
	c.revoked.Announce(trust.Ended{Grants: []string{"of one"}})
	c.mustHaveAsked(t, two, "the other, after the first has ended", 2)
	c.failure = fault.New(fault.Unauthenticated, "It has ended.")
	if proof, err := c.attach(t, one); fault.CodeOf(err) != fault.Unauthenticated || proof != "" {
		t.Errorf("the one that has ended: %q, %v", proof, err)
	}
	c.revoked.Announce(trust.Ended{}) // when nobody is told of it any more
	if proof, err := c.attach(t, one); fault.CodeOf(err) != fault.Unauthenticated || proof != "" {
		t.Errorf("what did not hold was kept: %q, %v", proof, err)
	}
}

func TestARevokedTokenIsUsedNoMore(t *testing.T) {
	c := newCaller(time.Hour)
	first := c.mustHaveAsked(t, trusttest.Alice(), "at first", 1)
	own := c.mustHaveAsked(t, trusttest.Nobody(), "the workload's own", 2)
	c.clock.Forward(time.Minute)
	c.revoked.Announce(trust.Ended{Subjects: map[string]time.Time{"bob": c.clock.Now()}})
	c.mustHaveAsked(t, trusttest.Alice(), "after somebody else's revocation", 2)
	c.revoked.Announce(trust.Ended{Subjects: map[string]time.Time{"alice": c.clock.Now(), "": c.clock.Now()}})
	c.failure = away
	if proof, err := c.attach(t, trusttest.Alice()); fault.CodeOf(err) != fault.Unavailable || proof != "" {
		t.Errorf("revoked, and the STS is away: %q, %v", proof, err)
	}
	c.failure = nil
	if proof := c.mustHaveAsked(t, trusttest.Alice(), "revoked", 4); proof == first {
		t.Error("the revoked token is still used")
	}
	c.mustHaveAsked(t, trusttest.Alice(), "after that", 4)
	if proof := c.mustHaveAsked(t, trusttest.Nobody(), "the workload's own, after it all", 4); proof != own {
		t.Error("the workload's own token was dropped")
	}
}

func TestARefusedProofIsDropped(t *testing.T) {
	c := newCaller(time.Hour)
	first := c.mustHaveAsked(t, trusttest.Alice(), "at first", 1)
	c.mustHaveAsked(t, trusttest.Nobody(), "the workload's own", 2)
	if !c.Refused(trusttest.Alice(), trusttest.Call("gateway", "order", "order.Get", ""), rpc.NotProven("no")) {
		t.Error("no other attempt makes sense")
	}
	c.mustHaveAsked(t, trusttest.Nobody(), "the workload's own, which was not refused", 2)
	if proof := c.mustHaveAsked(t, trusttest.Alice(), "refused", 3); proof == first {
		t.Error("the refused token is still used")
	}
}

func TestTokensTakeABoundedPlace(t *testing.T) {
	const most = 10_000
	c := newCaller(time.Hour)
	c.clock.Forward(time.Minute)
	kept := trusttest.With(identity.EdgeToken, "the one that holds")
	c.mustHaveAsked(t, kept, "the one that holds", 1)
	c.life = time.Minute
	for i := range most - 1 {
		c.mustHaveAsked(t, trusttest.With(identity.EdgeToken, fmt.Sprint(i)), "a new one", int64(i+2))
	}
	c.clock.Forward(2 * time.Minute) // all but one have expired
	c.life = time.Hour
	for i := range most + 100 - 1 {
		c.mustHaveAsked(t, trusttest.With(identity.EdgeToken, fmt.Sprint("later ", i)), "a later one", int64(most+1+i))
		if i < most-2 {
			c.mustHaveAsked(t, kept, "the one that holds, while others can go", int64(most+1+i))
		}
	}
	before := c.asked.Load()
	for i := range most + 100 - 1 {
		if _, err := c.attach(t, trusttest.With(identity.EdgeToken, fmt.Sprint("later ", i))); err != nil {
			t.Fatal(err)
		}
	}
	if again := c.asked.Load() - before; again < 99 {
		t.Errorf("of %d tokens %d were kept", most+99, most+99-again)
	}
}
