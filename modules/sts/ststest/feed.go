package ststest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/rpc"
)

var feedTests = map[string]func(*testing.T, world){
	"the feed says nothing to those who have heard it":     feedUnchanged,
	"the feed names the users whose tokens were revoked":   feedSubjects,
	"the feed names the certificates that were revoked":    feedCertificates,
	"the feed tells workloads when to renew a certificate": feedRenewals,
}

func (w world) feed(t *testing.T) sts.Feed {
	t.Helper()
	got, err := w.other.Feed(nobody, sts.FeedRequest{})
	must(t, err)
	return got
}

// mustChange is the feed after something that must be announced.
func (w world) mustChange(t *testing.T, what string, change func()) sts.Feed {
	t.Helper()
	before := w.feed(t)
	change()
	w.settle()
	after, err := w.other.Feed(nobody, sts.FeedRequest{Have: before.Version})
	must(t, err)
	if after.Version == before.Version || after.JWKS == "" || after.Roots == "" {
		t.Errorf("%s is not announced: %+v", what, after)
	}
	return after
}

func feedUnchanged(t *testing.T, w world) {
	first := w.feed(t)
	keys, err := w.gateway.Keys(nobody, sts.KeysRequest{})
	must(t, err)
	if first.Version == "" || first.JWKS != keys.JWKS || len(first.RevokedCertificates)+len(first.RevokedSubjects) > 0 {
		t.Errorf("feed %+v", first)
	}
	if _, err := pki.ParseRoots(Domain, []byte(first.Roots)); err != nil {
		t.Error(err)
	}
	for range 3 {
		w.Clock.Forward(time.Minute)
		for _, workload := range []string{"gateway", "sts", "order", "inventory"} {
			got, err := w.by(t, workload).Feed(nobody, sts.FeedRequest{Have: first.Version})
			must(t, err)
			if diff := cmp.Diff(sts.Feed{Version: first.Version}, got); diff != "" {
				t.Errorf("%s hears again (-want +got): %s", workload, diff)
			}
		}
	}
	if diff := cmp.Diff(first, w.feed(t)); diff != "" {
		t.Error("whoever has nothing (-want +got):", diff)
	}
	other, err := w.other.Feed(nobody, sts.FeedRequest{Have: "made-up"})
	must(t, err)
	if other.Version != first.Version || other.JWKS == "" {
		t.Errorf("whoever has something else: %+v", other)
	}
	_, err = w.by(t, rpc.Anonymous).Feed(nobody, sts.FeedRequest{})
	mustFail(t, "a stranger", err, fault.PermissionDenied)
}

func feedSubjects(t *testing.T, w world) {
	w.Clock.Stop() // a token that was issued in the same moment was issued before
	for _, c := range []struct {
		what, user string
		revoke     func()
	}{
		{"another password", "carol", func() {
			_, err := sts.SetPassword.Call(t.Context(), w.Operator, sts.SetPasswordRequest{User: "carol", Password: "another password"})
			must(t, err)
		}},
		{"disabling", "alice", func() { w.Disable("alice", true) }},
	} {
		last := w.trade(t, w.gateway, w.Issue(c.user), sts.AccessToken, "order")
		got := w.mustChange(t, c.what, c.revoke)
		before, listed := got.RevokedSubjects[c.user]
		if !listed || !last.IssuedAt.Before(before) || before.After(w.Clock.Now()) {
			t.Errorf("%s: the last token was issued at %v, and those before %v do not count: %v", c.what, last.IssuedAt, before, listed)
		}
	}
	fresh := w.trade(t, w.gateway, w.Issue("carol"), sts.AccessToken, "order")
	if before := w.feed(t).RevokedSubjects["carol"]; fresh.IssuedAt.Before(before) {
		t.Errorf("a token of %v, after it all, is before %v", fresh.IssuedAt, before)
	}
	w.Clock.Forward(InternalLifetime)
	if got := w.feed(t).RevokedSubjects; len(got) != 2 {
		t.Errorf("while a token from before might still be read: %v", got)
	}
	forgotten := w.mustChange(t, "that nobody has to know any more", func() { w.Clock.Forward(time.Hour) })
	if len(forgotten.RevokedSubjects) > 0 {
		t.Errorf("after the last token has expired: %v", forgotten.RevokedSubjects)
	}
}

func feedCertificates(t *testing.T, w world) {
	var serials []string
	for range 2 {
		answer, err := w.enrol(t, w.joinToken(t, "order"), requestFor(t, callee("order")))
		must(t, err)
		_, leaf := w.proves(t, answer, answer.Roots)
		serials = append(serials, pki.Serial(leaf))
	}
	slices.Sort(serials)
	got := w.mustChange(t, "the removal of a workload", func() { w.remove(t, "order") })
	if diff := cmp.Diff(serials, got.RevokedCertificates); diff != "" {
		t.Error("revoked certificates (-want +got):", diff)
	}
	w.joinToken(t, "order") // lets it in again, but not with what it had
	w.settle()
	if diff := cmp.Diff(serials, w.feed(t).RevokedCertificates); diff != "" {
		t.Error("revoked certificates, with a new join token (-want +got):", diff)
	}
	w.Clock.Forward(CertificateLifetime)
	if got := w.feed(t).RevokedCertificates; len(got) > 0 {
		t.Errorf("revoked certificates that have expired: %v", got)
	}
}

func feedRenewals(t *testing.T, w world) {
	renew := func(workload string) error {
		_, err := sts.RenewCertificates.Call(t.Context(), w.Operator, sts.WorkloadRequest{Workload: workload})
		return err
	}
	before := w.feed(t).RenewBefore
	asked := w.Clock.Now()
	got := w.mustChange(t, "that one workload has to renew", func() { must(t, renew("order")) }).RenewBefore
	if at := got["order"]; at.Before(asked.Truncate(time.Millisecond)) || at.After(w.Clock.Now()) || !got["inventory"].Equal(before["inventory"]) {
		t.Errorf("asked at %v: renew before %v; before that: %v", asked, got, before)
	}
	got = w.mustChange(t, "that all have to renew", func() { must(t, renew("")) }).RenewBefore
	for workload, at := range got {
		if !at.After(before[workload]) {
			t.Errorf("%s renews what is from before %v", workload, at)
		}
	}
	mustFail(t, "a workload that does not exist renews", renew("nowhere"), fault.NotFound)
}
