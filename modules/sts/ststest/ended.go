package ststest

import (
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/secret"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/transaction"
)

var endedTests = map[string]func(*testing.T, world){
	"a session's end takes what was issued for it, and nothing else":          endedSession,
	"tokens carry the session's handle, and not the session":                  handles,
	"a password change, a disabling, a sign-out everywhere end all of before": endedUser,
	"what is issued after a revocation holds, however close the two are":      closeTogether,
}

// held is what a user brings, with what order was given for it.
type held struct {
	credential secret.Text
	kind       string
	internal   sts.Exchanged
	txn        sts.Exchanged
}

// hold has tokens issued for a credential, along the whole chain.
func (w world) hold(t *testing.T, credential secret.Text, kind string) held {
	t.Helper()
	return held{credential, kind, w.trade(t, w.gateway, credential, kind, "order"), w.tradeTransaction(t, credential, kind)}
}

func (w world) tradeTransaction(t *testing.T, credential secret.Text, kind string) sts.Exchanged {
	t.Helper()
	got, err := w.gateway.Exchange(nobody, sts.ExchangeRequest{
		SubjectToken: credential, SubjectTokenType: kind, Audience: callee("order"), RequestedTokenType: sts.TransactionToken,
	})
	must(t, err)
	return got
}

// mustCount says whether what is held counts: at the STS, brought anew and passed on, and where the feed is known.
func (w world) mustCount(t *testing.T, what string, h held, counts bool) {
	t.Helper()
	want := map[bool]fault.Code{true: "", false: fault.Unauthenticated}[counts]
	_, err := w.gateway.Exchange(nobody, sts.ExchangeRequest{SubjectToken: h.credential, SubjectTokenType: h.kind, Audience: callee("order")})
	mustFail(t, what+", brought anew", err, want)
	_, err = w.other.Exchange(nobody, sts.ExchangeRequest{SubjectToken: h.internal.AccessToken, SubjectTokenType: sts.InternalToken, Audience: callee("inventory")})
	mustFail(t, what+", passed on", err, want)
	_, err = w.other.Exchange(nobody, sts.ExchangeRequest{
		SubjectToken: h.txn.AccessToken, SubjectTokenType: sts.TransactionToken, Audience: callee("inventory"), RequestedTokenType: sts.TransactionToken,
	})
	mustFail(t, what+", replaced", err, want)
	switch h.kind {
	case sts.AccessToken:
		_, err = w.gateway.Authenticate(nobody, sts.AuthenticateRequest{Token: h.credential, Callee: "order"})
	case sts.SessionToken:
		_, err = w.gateway.AuthenticateSession(nobody, sts.AuthenticateSessionRequest{Session: h.credential, Callee: "order"})
	}
	mustFail(t, what+", within a process", err, want)
	w.settle()
	known := w.revocations(t)
	for _, issued := range []sts.Exchanged{h.internal, h.txn} {
		basis := trust.Basis{Subject: issued.Subject, Grant: issued.Grant, IssuedAt: issued.IssuedAt}
		if known.Revoked(basis) == counts {
			t.Errorf("%s: whoever hears the feed takes a token of it: %t", what, !counts)
		}
	}
}

// revocations are what a process knows that has just heard the feed.
func (w world) revocations(t *testing.T) *trust.Revocations {
	t.Helper()
	feed, known := w.feed(t), &trust.Revocations{}
	known.Announce(trust.Ended{Subjects: feed.RevokedSubjects, Grants: feed.EndedGrants, Before: feed.RevokedBefore})
	return known
}

func endedSession(t *testing.T, w world) {
	first, second, again := w.SignIn("carol"), w.SignIn("carol"), w.SignIn("carol")
	signedOut, goesOn := w.hold(t, first, sts.SessionToken), w.hold(t, second, sts.SessionToken)
	replaced, program := w.hold(t, again, sts.SessionToken), w.hold(t, w.Issue("carol"), sts.AccessToken)
	w.SignOut(first)
	next := w.SignInAgain("carol", again)
	w.mustCount(t, "what was signed out", signedOut, false)
	w.mustCount(t, "what the browser had before it signed in again", replaced, false)
	for range 2 {
		w.mustCount(t, "the browser's next session", w.hold(t, next, sts.SessionToken), true)
		w.mustCount(t, "another browser's session", goesOn, true)
		w.mustCount(t, "an access token", program, true)
		w.SignOut(first) // which has ended already
	}
	feed := w.feed(t)
	if len(feed.EndedGrants) != 2 || len(feed.RevokedSubjects) > 0 || !feed.RevokedBefore.IsZero() {
		t.Errorf("announced is %q, %v, %v", feed.EndedGrants, feed.RevokedSubjects, feed.RevokedBefore)
	}
	w.Clock.Forward(time.Hour)
	if feed := w.mustChange(t, "that nobody has to know any more", func() { w.Clock.Forward(time.Minute) }); len(feed.EndedGrants) > 0 {
		t.Errorf("after the last token has expired: %q", feed.EndedGrants)
	}
}

func handles(t *testing.T, w world) {
	session, other := w.SignIn("carol"), w.SignIn("carol")
	one, two, program := w.hold(t, session, sts.SessionToken), w.hold(t, other, sts.SessionToken), w.hold(t, w.Issue("carol"), sts.AccessToken)
	onward := w.trade(t, w.other, one.internal.AccessToken, sts.InternalToken, "inventory")
	keys := func(string) (*token.KeySet, error) { return w.keySet(t), nil }
	txn, err := transaction.Read(one.txn.AccessToken.Reveal(), Domain, keys, w.Clock.Now())
	must(t, err)
	handle := one.internal.Grant
	for what, got := range map[string]string{
		"the token for order": w.read(t, one.internal.AccessToken, "order").Grant, "the one passed on": w.read(t, onward.AccessToken, "inventory").Grant,
		"the answer to that": onward.Grant, "the transaction token": txn.Grant, "the answer to that one": one.txn.Grant,
	} {
		if got != handle {
			t.Errorf("%s has the handle %q, not %q", what, got, handle)
		}
	}
	if len(handle) < 20 || strings.Contains(session.Reveal(), handle) || handle == two.internal.Grant || program.internal.Grant != "" || program.txn.Grant != "" {
		t.Errorf("handles %q, %q of another session, %q of an access token", handle, two.internal.Grant, program.internal.Grant)
	}
	_, err = w.gateway.Exchange(nobody, sts.ExchangeRequest{SubjectToken: secret.Text(handle), SubjectTokenType: sts.SessionToken, Audience: callee("order")})
	mustFail(t, "the handle, as a session", err, fault.Unauthenticated)
}

func endedUser(t *testing.T, w world) {
	for what, end := range map[string]func(user string){
		"a password change": func(user string) { w.setPassword(t, user) },
		"a disabling":       func(user string) { w.Disable(user, true) },
		"a sign-out everywhere": func(user string) {
			_, err := w.gateway.SignOutEverywhere(nobody, sts.SignOutEverywhereRequest{Session: w.SignIn(user)})
			must(t, err)
		},
		"an operator's sign-out": func(user string) {
			_, err := sts.SignOutUser.Call(t.Context(), w.Operator, sts.SignOutUserRequest{User: user})
			must(t, err)
		},
		"a disabling, and enabling again": func(user string) {
			w.Disable(user, true)
			w.Disable(user, false)
		},
	} {
		program, session := w.hold(t, w.Issue("carol"), sts.AccessToken), w.hold(t, w.SignIn("carol"), sts.SessionToken)
		others := w.hold(t, w.Issue("alice"), sts.AccessToken)
		end("carol")
		w.mustCount(t, "an access token of before "+what, program, false)
		w.mustCount(t, "a session of before "+what, session, false)
		w.mustCount(t, "somebody else's token", others, true)
		w.Disable("carol", false)
		w.mustCount(t, "an access token of before "+what+", later", program, false)
		w.mustCount(t, "an access token of after "+what, w.hold(t, w.Issue("carol"), sts.AccessToken), true)
		w.mustCount(t, "a session of after "+what, w.hold(t, w.SignIn("carol"), sts.SessionToken), true)
	}
}

func (w world) setPassword(t *testing.T, user string) {
	t.Helper()
	_, err := sts.SetPassword.Call(t.Context(), w.Operator, sts.SetPasswordRequest{User: user, Password: Password})
	must(t, err)
}

// All of it happens within one second, and within a millisecond of the clock: the order decides.
func closeTogether(t *testing.T, w world) {
	w.Clock.Stop()
	for range 3 {
		before := w.hold(t, w.Issue("carol"), sts.AccessToken)
		w.setPassword(t, "carol")
		after := w.hold(t, w.Issue("carol"), sts.AccessToken)
		session := w.hold(t, w.SignIn("carol"), sts.SessionToken)
		known := func(h held) bool {
			_, err := w.gateway.Authenticate(nobody, sts.AuthenticateRequest{Token: h.credential, Callee: "order"})
			return err == nil
		}
		if known(before) || !known(after) {
			t.Errorf("the token of before counts: %t; that of after: %t", known(before), known(after))
		}
		w.mustCount(t, "a token of before", before, false)
		w.mustCount(t, "a token of after", after, true)
		w.mustCount(t, "a session of after", session, true)
	}
}
