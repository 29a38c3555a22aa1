package membership

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/pki"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/trusttest"
)

// announcing is an STS that says what it announces, or fails.
type announcing struct {
	sts.Service
	feed    sts.Feed
	failure error
}

func (a *announcing) Feed(_ context.Context, r sts.FeedRequest) (sts.Feed, error) {
	switch {
	case a.failure != nil:
		return sts.Feed{}, a.failure
	case r.Have == a.feed.Version:
		return sts.Feed{Version: r.Have}, nil
	}
	return a.feed, nil
}

// follower is a process that follows the feed, and can be started anew.
type follower struct {
	*Membership
	*announcing
	clock *trusttest.Clock
	dir   string
}

const feedMaxAge = 15 * time.Minute

func follow(t *testing.T) *follower {
	t.Helper()
	authority, err := pki.NewAuthority(trusttest.DomainName, time.Now())
	must(t, err)
	roots, err := pki.NewRoots(trusttest.DomainName, authority.Certificate())
	must(t, err)
	keys, err := token.NewKeySet(trusttest.NewKey(t).Public())
	must(t, err)
	jwks, err := json.Marshal(keys)
	must(t, err)
	f := &follower{
		announcing: &announcing{feed: sts.Feed{Version: "1", JWKS: string(jwks), Roots: string(roots.PEM()), EndedGrants: []string{"one"}}},
		clock:      &trusttest.Clock{}, dir: t.TempDir(),
	}
	f.restart(t)
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (f *follower) restart(t *testing.T) {
	t.Helper()
	var err error
	f.Membership, err = Open(Options{
		Domain: trusttest.DomainName, Dir: f.dir, As: "order", FeedMaxAge: feedMaxAge, Now: f.clock.Now, Log: slog.New(slog.DiscardHandler),
		STS:  func(string) sts.Service { return f.announcing },
		Keys: trust.NewKeys(nil, f.clock.Now), Revocations: trust.NewRevocations(feedMaxAge, f.clock.Now), Peers: pki.NewPeers(trusttest.DomainName, f.clock.Now),
	})
	must(t, err)
}

func (f *follower) mustLetUsersIn(t *testing.T, when string, want bool) {
	t.Helper()
	if tooOld := f.Revocations.TooOld(); (tooOld == nil) != want {
		t.Errorf("%s: %v, %v", when, tooOld, f.Revocations.Age())
	}
}

func TestAProcessThatHearsNothingStopsToLetUsersInAndHealsByItself(t *testing.T) {
	f := follow(t)
	f.mustLetUsersIn(t, "before anything was heard", false)
	must(t, f.keepUp(t.Context()))
	f.mustLetUsersIn(t, "heard", true)
	f.failure = errors.New("away")
	for range 15 {
		f.clock.Forward(time.Minute)
		if err := f.keepUp(t.Context()); err == nil {
			t.Fatal("the STS is away")
		}
		f.mustLetUsersIn(t, "within its time", true)
	}
	f.clock.Forward(time.Second)
	f.mustLetUsersIn(t, "after its time", false)
	if !f.Revocations.Revoked(trust.Basis{Grant: "one"}) {
		t.Error("what had ended is forgotten")
	}
	f.failure = nil
	must(t, f.keepUp(t.Context())) // which says that nothing has changed
	f.mustLetUsersIn(t, "heard again", true)
}

// A process that starts knows what was heard before, and how long ago that was, up to a minute.
func TestARestartCountsFromTheKeptAnnouncement(t *testing.T) {
	f := follow(t)
	must(t, f.keepUp(t.Context()))
	for range 10 * 60 { // the announcement stays the same for ten minutes
		f.clock.Forward(time.Second)
		must(t, f.keepUp(t.Context()))
	}
	f.failure = errors.New("away")
	f.restart(t)
	if age := f.Revocations.Age(); age > time.Minute {
		t.Errorf("what is kept is %v old, and was heard now", age)
	}
	f.clock.Forward(feedMaxAge - time.Minute)
	f.restart(t)
	f.mustLetUsersIn(t, "started again within its time", true)
	f.clock.Forward(time.Minute + time.Second)
	f.restart(t)
	f.mustLetUsersIn(t, "started again after its time", false)
	f.failure = nil
	must(t, f.keepUp(t.Context()))
	f.mustLetUsersIn(t, "heard again", true)
}

// The clock may be wrong, and the file of another version or hand.
func TestWhatIsKeptFromTheFutureOrOfNoTimeCountsAsNeverHeard(t *testing.T) {
	f := follow(t)
	must(t, f.keepUp(t.Context()))
	f.clock.Forward(-time.Hour) // set back since
	f.restart(t)
	f.mustLetUsersIn(t, "kept in what is the future now", false)
	f.clock.Forward(time.Hour + time.Second)
	f.mustLetUsersIn(t, "when that has come", false)
	file := filepath.Join(f.dir, "feed.json")
	text, err := json.Marshal(f.announcing.feed) // as an earlier version kept it
	must(t, err)
	must(t, os.WriteFile(file, text, 0o600))
	f.restart(t)
	f.mustLetUsersIn(t, "kept without a time", false)
	must(t, f.keepUp(t.Context()))
	f.mustLetUsersIn(t, "heard", true)
}
