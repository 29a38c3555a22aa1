package ststest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/secret"
)

var accountTests = map[string]func(*testing.T, world){
	"an account says who is signed in, since when, and how often": account,
	"signing out everywhere ends what was begun before":           signOutEverywhere,
	"an operator signs a user out":                                signOutUser,
}

// holds reports whether a session holds.
func (w world) holds(t *testing.T, session secret.Text) bool {
	t.Helper()
	_, err := w.gateway.AuthenticateSession(nobody, sts.AuthenticateSessionRequest{Session: session, Callee: "order"})
	if err != nil {
		mustFail(t, "a session", err, fault.Unauthenticated)
	}
	return err == nil
}

func account(t *testing.T, w world) {
	w.Clock.Stop()
	began := w.Clock.Now().UTC().Truncate(time.Millisecond)
	first := w.SignIn("carol")
	w.Clock.Forward(time.Minute)
	second := w.SignIn("carol")
	for session, since := range map[secret.Text]time.Time{first: began, second: began.Add(time.Minute)} {
		got, err := w.gateway.Account(nobody, sts.AccountRequest{Session: session})
		must(t, err)
		if diff := cmp.Diff(sts.Account{Name: "carol", FullName: "Carol", SignedInAt: since, Sessions: 2}, got); diff != "" {
			t.Error("account (-want +got):", diff)
		}
	}
	w.SignOut(first)
	got, err := w.gateway.Account(nobody, sts.AccountRequest{Session: second})
	must(t, err)
	if got.Sessions != 1 {
		t.Errorf("%d sessions after one of two was ended", got.Sessions)
	}
	for what, session := range map[string]secret.Text{"none": "", "made up": "made up", "one that was ended": first, "a token": w.Issue("carol")} {
		_, err := w.gateway.Account(nobody, sts.AccountRequest{Session: session})
		mustFail(t, what, err, fault.Unauthenticated)
		_, err = w.gateway.SignOutEverywhere(nobody, sts.SignOutEverywhereRequest{Session: session})
		mustFail(t, what, err, fault.Unauthenticated)
	}
	_, err = w.other.Account(nobody, sts.AccountRequest{Session: second})
	mustFail(t, "another caller", err, fault.PermissionDenied)
	_, err = w.other.SignOutEverywhere(nobody, sts.SignOutEverywhereRequest{Session: second})
	mustFail(t, "another caller", err, fault.PermissionDenied)
	w.Clock.Forward(SessionLifetime)
	_, err = w.gateway.Account(nobody, sts.AccountRequest{Session: second})
	mustFail(t, "one that is over", err, fault.Unauthenticated)
}

// mustEnd is what a sign-out everywhere ends, and what it does not.
func (w world) mustEnd(t *testing.T, signOut func(session secret.Text)) {
	t.Helper()
	first, second := w.SignIn("carol"), w.SignIn("carol")
	feed := w.mustChange(t, "signing out everywhere", func() { signOut(first) })
	if at := feed.RevokedSubjects["carol"]; at.IsZero() || at.After(w.Clock.Now()) || len(feed.RevokedSubjects) != 1 {
		t.Errorf("revoked %v, now %v", feed.RevokedSubjects, w.Clock.Now())
	}
	if w.holds(t, first) || w.holds(t, second) {
		t.Error("a session from before holds")
	}
	if !w.holds(t, w.SignIn("carol")) {
		t.Error("a session from after does not hold")
	}
	mustEqual(t, w.authenticate(t, w.Issue("alice"), "order"), "alice", "add_order")
}

func signOutEverywhere(t *testing.T, w world) {
	w.mustEnd(t, func(session secret.Text) {
		_, err := w.gateway.SignOutEverywhere(nobody, sts.SignOutEverywhereRequest{Session: session})
		must(t, err)
	})
}

func signOutUser(t *testing.T, w world) {
	w.mustEnd(t, func(secret.Text) {
		_, err := sts.SignOutUser.Call(t.Context(), w.Operator, sts.SignOutUserRequest{User: "carol"})
		must(t, err)
	})
	_, err := sts.SignOutUser.Call(t.Context(), w.Operator, sts.SignOutUserRequest{User: "nobody"})
	mustFail(t, "an unknown user", err, fault.NotFound)
}
