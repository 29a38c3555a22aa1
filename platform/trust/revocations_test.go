package trust_test

import (
	"strings"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/rpc"
	"oms/platform/trust"
	"oms/platform/trust/trusttest"
)

// What has ended takes what stood on it, and nothing else.
func TestWhatHasEnded(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC)
	before, after := at.Add(-time.Millisecond), at.Add(time.Millisecond)
	subject := trust.Ended{Subjects: map[string]time.Time{"alice": at}}
	session := trust.Ended{Grants: []string{"one", "two"}}
	everything := trust.Ended{Before: at}
	for what, c := range map[string]struct {
		ended         trust.Ended
		basis         trust.Basis
		revoked, edge bool
	}{
		"nothing has ended":                {trust.Ended{}, trust.Basis{Subject: "alice", Grant: "one"}, false, false},
		"hers, of before":                  {subject, trust.Basis{Subject: "alice", IssuedAt: before}, true, true},
		"hers, of that moment":             {subject, trust.Basis{Subject: "alice", IssuedAt: at}, false, false},
		"hers, of after":                   {subject, trust.Basis{Subject: "alice", IssuedAt: after}, false, false},
		"his, of before":                   {subject, trust.Basis{Subject: "bob", IssuedAt: before}, false, false},
		"of the session":                   {session, trust.Basis{Subject: "alice", Grant: "two", IssuedAt: after}, true, false},
		"of another session":               {session, trust.Basis{Subject: "alice", Grant: "three", IssuedAt: before}, false, false},
		"of no session":                    {session, trust.Basis{Subject: "alice", IssuedAt: before}, false, false},
		"more than is told, of before":     {everything, trust.Basis{Subject: "bob", Grant: "three", IssuedAt: before}, true, false},
		"more than is told, of afterwards": {everything, trust.Basis{Subject: "bob", Grant: "three", IssuedAt: at}, false, false},
	} {
		var r trust.Revocations
		r.Announce(c.ended)
		if got := r.Revoked(c.basis); got != c.revoked {
			t.Errorf("%s: revoked %t", what, got)
		}
		if got := r.RevokedAtTheEdge(c.basis); got != c.edge {
			t.Errorf("%s, as a user brings it: revoked %t", what, got)
		}
	}
}

// What is known ages by the clock of the process. It is never younger than the time that has passed, and what was heard in the
// future was never heard.
func TestWhatIsKnownIsTooOldAfterAWhile(t *testing.T) {
	clock := &trusttest.Clock{}
	const most = 15 * time.Minute
	r := trust.NewRevocations(most, clock.Now)
	mustBeTooOld := func(what string, want bool) {
		t.Helper()
		tooOld := r.TooOld()
		if got := tooOld != nil; got != want {
			t.Errorf("%s: too old %t, by %v", what, got, r.Age())
		}
		if want && (tooOld.Code != fault.Unavailable || tooOld.RetryAfter == 0 || !strings.Contains(tooOld.Detail, "Nothing was heard from the STS")) {
			t.Errorf("%s: %+v", what, tooOld)
		}
	}
	mustBeTooOld("nothing was heard yet", true)
	r.Heard(clock.Now().Add(time.Second))
	mustBeTooOld("heard in the future", true)
	r.Heard(clock.Now())
	mustBeTooOld("heard now", false)
	clock.Forward(most)
	mustBeTooOld("at its end", false)
	clock.Forward(time.Second)
	mustBeTooOld("after its end", true)
	r.Announce(trust.Ended{})
	mustBeTooOld("an announcement of no time", true)
	r.Heard(clock.Now())
	mustBeTooOld("heard again", false)
	clock.Forward(-time.Minute)
	mustBeTooOld("the clock was set back", true)

	var ageless trust.Revocations
	if tooOld := ageless.TooOld(); tooOld != nil {
		t.Errorf("without a bound: %v", tooOld)
	}
}

// A judgement by knowledge that is too old blames nobody.
func TestATokenIsJudgedByWhatIsKnown(t *testing.T) {
	clock := &trusttest.Clock{}
	r := trust.NewRevocations(time.Minute, clock.Now)
	basis := trust.Basis{Subject: "alice", Grant: "one", IssuedAt: clock.Now()}
	if err := r.Judge("It", basis); fault.CodeOf(err) != fault.Unavailable || rpc.Refused(fault.From(err)) {
		t.Errorf("nothing was heard yet: %v", err)
	}
	r.Heard(clock.Now())
	if err := r.Judge("It", basis); err != nil {
		t.Error(err)
	}
	r.Announce(trust.Ended{Grants: []string{"one"}})
	if err := r.Judge("It", basis); !rpc.Refused(fault.From(err)) || !strings.Contains(err.Error(), "It was revoked.") {
		t.Errorf("revoked: %v", err)
	}
}
