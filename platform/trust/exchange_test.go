package trust_test

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
)

// office is an STS that counts what it is asked, and gives another token each time.
type office struct {
	clock    *clock
	life     time.Duration // of what it issues
	failure  error         // what it answers instead
	asked    atomic.Int64
	entered  chan struct{} // where it is not nil, whoever asks says so here,
	released chan struct{} // and waits for this
}

// desk is the office as one workload reaches it.
type desk struct {
	*office
	workload string
}

func (d desk) issue(ctx context.Context, of, callee string) (trust.Issued, error) {
	number := d.asked.Add(1)
	if d.entered != nil {
		d.entered <- struct{}{}
		<-d.released
	}
	if err := ctx.Err(); err != nil {
		return trust.Issued{}, err
	}
	if d.failure != nil {
		return trust.Issued{}, d.failure
	}
	now := d.clock.now()
	return trust.Issued{
		Token: secret.Text(fmt.Sprintf("%d: %s for %s at %s", number, of, d.workload, callee)), IssuedAt: now, Expires: now.Add(d.life),
	}, nil
}

func (d desk) Exchange(ctx context.Context, user identity.Credential, callee string) (trust.Issued, error) {
	issued, err := d.issue(ctx, user.Text.Reveal(), callee)
	issued.Subject, issued.Scopes = "alice", identity.NewScopes("echo")
	return issued, err
}

func (d desk) WorkloadToken(ctx context.Context, callee string) (trust.Issued, error) {
	return d.issue(ctx, "itself", callee)
}

func (d desk) Authenticate(context.Context, identity.Credential, string) (trust.Issued, error) {
	return trust.Issued{}, fault.New(fault.Unimplemented, "not asked for here")
}

func (d desk) Transaction(context.Context, identity.Credential, string) (trust.Issued, error) {
	panic("a token of another profile was asked for")
}

var away = fault.Retryable(time.Second, "The STS is away.")

// caller is one workload's side of the profile.
type caller struct {
	*exchange.Profile
	*office
	revoked *trust.Revocations
}

func newCaller(life time.Duration) caller {
	c := caller{office: &office{clock: &clock{}, life: life}, revoked: &trust.Revocations{}}
	c.Profile = exchange.New(trust.Options{
		Domain: domain, Now: c.clock.now, Revoked: c.revoked.Revoked,
		STS: func(workload string) trust.TokenService { return desk{c.office, workload} },
	})
	return c
}

// with is the context of code that runs for whoever has brought the text.
func with(kind identity.Kind, text string) context.Context {
	return identity.WithCredential(nobody(), identity.Credential{Kind: kind, Text: secret.Text(text)})
}

// attach gives what the profile attaches to a call from the gateway to order.
func (c caller) attach(t testing.TB, ctx context.Context) (proof string, err error) {
	t.Helper()
	to := call("gateway", "order", "order.Get", "")
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
		"a user's":               {alice(), 5 * time.Minute, 5*time.Minute - 15*time.Second},
		"a user's that is short": {alice(), 20 * time.Second, 10 * time.Second},
		"a workload's own":       {nobody(), 24 * time.Hour, 12 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			at := newCaller(c.life)
			first := at.mustHaveAsked(t, c.ctx, "at first", 1)
			at.clock.forward(c.before - 1)
			if again := at.mustHaveAsked(t, c.ctx, "before it is due", 1); again != first {
				t.Errorf("got %q after %q", again, first)
			}
			at.clock.forward(1)
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
		{nobody(), "gateway", "order"}, {nobody(), "gateway", "inventory"}, {nobody(), "order", "inventory"},
		{alice(), "gateway", "order"}, {alice(), "gateway", "inventory"}, {alice(), "order", "inventory"},
		{with(identity.Session, "what alice brought"), "gateway", "order"}, {with(identity.Internal, "what alice brought"), "gateway", "order"},
		{with(identity.EdgeToken, "bob's"), "gateway", "order"}, {with(identity.EdgeToken, ""), "gateway", "order"},
	} {
		for range 2 {
			attached := mustAttach(t, c, one.ctx, call(one.from, one.to, one.to+".Get", ""))
			seen[attached.Header.Get("Authorization")] = true
		}
	}
	if asked := c.asked.Load(); asked != 10 || len(seen) != 10 {
		t.Errorf("asked %d times for %d tokens, want 10", asked, len(seen))
	}
}

func TestWhoTheUserIsCostsNoOtherToken(t *testing.T) {
	c := newCaller(time.Minute)
	nobody, err := c.User(nobody(), "gateway", "order")
	if err != nil || nobody.Subject != "" || nobody.Token != "" || c.asked.Load() != 0 {
		t.Errorf("without a credential: %+v, %v, asked %d times", nobody, err, c.asked.Load())
	}
	user, err := c.User(alice(), "gateway", "order")
	if err != nil || user.Subject != "alice" || !user.Scopes.Has("echo") {
		t.Errorf("with one: %+v, %v", user, err)
	}
	if proof := c.mustHaveAsked(t, alice(), "for the call", 1); proof != "Bearer "+user.Token.Reveal() {
		t.Errorf("the call shows %q", proof)
	}
}

// waiting is a context that tells when somebody waits for its end.
type waiting struct {
	context.Context
	told chan struct{}
}

func (w waiting) Done() <-chan struct{} {
	w.told <- struct{}{}
	return w.Context.Done()
}

func TestAHundredCallsShareOneToken(t *testing.T) {
	c := newCaller(time.Minute)
	c.entered, c.released = make(chan struct{}, 100), make(chan struct{})
	ctx := waiting{alice(), make(chan struct{}, 1000)}
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
	ctx, leave := context.WithCancel(alice())
	stays := waiting{alice(), make(chan struct{}, 10)}
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
	}{{"a user's", alice(), 45 * time.Second}, {"a workload's own", nobody(), 30 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			at := newCaller(time.Minute)
			first := at.mustHaveAsked(t, c.ctx, "at first", 1)
			at.failure = away
			at.clock.forward(c.due)
			for second := range 60 - int(c.due/time.Second) {
				for range 10 {
					if proof := at.mustHaveAsked(t, c.ctx, fmt.Sprint(second, " seconds after it was due"), int64(2+second/5)); proof != first {
						t.Fatalf("got %q", proof)
					}
				}
				at.clock.forward(time.Second)
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
		c.mustHaveAsked(t, alice(), "at first", 1)
		c.clock.forward(45 * time.Second)
		c.failure = fault.New(code, "No.")
		if proof, err := c.attach(t, alice()); fault.CodeOf(err) != code || proof != "" {
			t.Errorf("%s: %q, %v", code, proof, err)
		}
	}
}

func TestARevokedTokenIsUsedNoMore(t *testing.T) {
	c := newCaller(time.Hour)
	first := c.mustHaveAsked(t, alice(), "at first", 1)
	own := c.mustHaveAsked(t, nobody(), "the workload's own", 2)
	c.clock.forward(time.Minute)
	c.revoked.Announce(map[string]time.Time{"bob": c.clock.now()})
	c.mustHaveAsked(t, alice(), "after somebody else's revocation", 2)
	c.revoked.Announce(map[string]time.Time{"alice": c.clock.now(), "": c.clock.now()})
	c.failure = away
	if proof, err := c.attach(t, alice()); fault.CodeOf(err) != fault.Unavailable || proof != "" {
		t.Errorf("revoked, and the STS is away: %q, %v", proof, err)
	}
	c.failure = nil
	if proof := c.mustHaveAsked(t, alice(), "revoked", 4); proof == first {
		t.Error("the revoked token is still used")
	}
	c.mustHaveAsked(t, alice(), "after that", 4)
	if proof := c.mustHaveAsked(t, nobody(), "the workload's own, after it all", 4); proof != own {
		t.Error("the workload's own token was dropped")
	}
}

func TestARefusedProofIsDropped(t *testing.T) {
	c := newCaller(time.Hour)
	first := c.mustHaveAsked(t, alice(), "at first", 1)
	c.mustHaveAsked(t, nobody(), "the workload's own", 2)
	if !c.Refused(alice(), call("gateway", "order", "order.Get", ""), rpc.NotProven("no")) {
		t.Error("no other attempt makes sense")
	}
	c.mustHaveAsked(t, nobody(), "the workload's own, which was not refused", 2)
	if proof := c.mustHaveAsked(t, alice(), "refused", 3); proof == first {
		t.Error("the refused token is still used")
	}
}

func TestTokensTakeABoundedPlace(t *testing.T) {
	const most = 10_000
	c := newCaller(time.Hour)
	c.clock.forward(time.Minute)
	kept := with(identity.EdgeToken, "the one that holds")
	c.mustHaveAsked(t, kept, "the one that holds", 1)
	c.life = time.Minute
	for i := range most - 1 {
		c.mustHaveAsked(t, with(identity.EdgeToken, fmt.Sprint(i)), "a new one", int64(i+2))
	}
	c.clock.forward(2 * time.Minute) // all but one have expired
	c.life = time.Hour
	for i := range most + 100 - 1 {
		c.mustHaveAsked(t, with(identity.EdgeToken, fmt.Sprint("later ", i)), "a later one", int64(most+1+i))
		if i < most-2 {
			c.mustHaveAsked(t, kept, "the one that holds, while others can go", int64(most+1+i))
		}
	}
	before := c.asked.Load()
	for i := range most + 100 - 1 {
		if _, err := c.attach(t, with(identity.EdgeToken, fmt.Sprint("later ", i))); err != nil {
			t.Fatal(err)
		}
	}
	if again := c.asked.Load() - before; again < 99 {
		t.Errorf("of %d tokens %d were kept", most+99, most+99-again)
	}
}
