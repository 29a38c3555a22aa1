package ststest

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/pki"
	"oms/platform/secret"
	"oms/platform/token"
)

var keyTests = map[string]func(*testing.T, world){
	"a signing key is announced, signs, and retires":       signingKeys,
	"a signing key that is revoked stops to count at once": revokedKeys,
	"a private root is announced, signs, and retires":      roots,
}

// How a test rotates.
const (
	announcement = time.Minute
	overlap      = 10 * time.Minute
)

var rotation = sts.RotateRequest{Announcement: announcement, Overlap: overlap}

// signingKeys are those that operators see.
func (w world) signingKeys(t *testing.T) []sts.SigningKey {
	t.Helper()
	list, err := sts.ListSigningKeys.Call(t.Context(), w.Operator, sts.ListRequest{})
	must(t, err)
	return list.Keys
}

// states are those of the signing keys, by id.
func (w world) states(t *testing.T) map[string]string {
	t.Helper()
	states := map[string]string{}
	for _, k := range w.signingKeys(t) {
		states[k.ID] = string(k.State)
	}
	return states
}

func (w world) mustBeKeys(t *testing.T, when string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, w.states(t)); diff != "" {
		t.Errorf("%s: the keys are (-want +got): %s", when, diff)
	}
	set := w.keySet(t)
	for id := range want {
		if _, found := set.Lookup(id); !found {
			t.Errorf("%s: the key %s is not published", when, id)
		}
	}
	if set.Len() != len(want) {
		t.Errorf("%s: %d keys are published, want %d", when, set.Len(), len(want))
	}
}

// mustSign says which key signs, with everything that the STS signs, also at the command line.
func (w world) mustSign(t *testing.T, when, id string) {
	t.Helper()
	edge := w.Issue("carol")
	self, err := w.gateway.WorkloadToken(nobody, sts.WorkloadTokenRequest{Audience: callee("order")})
	must(t, err)
	for what, raw := range map[string]secret.Text{
		"an access token": edge, "a user's token": w.trade(t, w.gateway, edge, sts.AccessToken, "order").AccessToken, "a workload's token": self.AccessToken,
	} {
		peeked, err := token.Peek(raw.Reveal())
		must(t, err)
		if peeked.Header.KeyID != id {
			t.Errorf("%s: %s is signed by %s, want %s", when, what, peeked.Header.KeyID, id)
		}
	}
}

func (w world) onlyKey(t *testing.T) string {
	t.Helper()
	keys := w.signingKeys(t)
	if len(keys) != 1 {
		t.Fatalf("%d keys", len(keys))
	}
	return keys[0].ID
}

func (w world) rotate(t *testing.T) string {
	t.Helper()
	key, err := sts.RotateSigningKey.Call(t.Context(), w.Operator, rotation)
	must(t, err)
	w.settle()
	return key.ID
}

func signingKeys(t *testing.T, w world) {
	first := w.onlyKey(t)
	w.mustBeKeys(t, "at the start", map[string]string{first: "active"})
	var second string
	if feed := w.mustChange(t, "a rotation", func() { second = w.rotate(t) }); !strings.Contains(feed.JWKS, second) || !strings.Contains(feed.JWKS, first) {
		t.Errorf("the feed has the keys %s", feed.JWKS)
	}
	w.mustBeKeys(t, "announced", map[string]string{first: "active", second: "next"})
	w.mustSign(t, "announced", first)
	_, err := sts.RotateSigningKey.Call(t.Context(), w.Operator, rotation)
	mustFail(t, "a second rotation, while one is under way", err, fault.Conflict)
	w.mustBeKeys(t, "after a rotation that was refused", map[string]string{first: "active", second: "next"})
	last := w.trade(t, w.gateway, w.SignIn("carol"), sts.SessionToken, "order").AccessToken
	w.Clock.Forward(announcement)
	w.mustBeKeys(t, "in use", map[string]string{first: "retired", second: "active"})
	w.mustSign(t, "in use", second)
	w.read(t, last, "order")
	w.trade(t, w.other, last, sts.InternalToken, "inventory") // what it has signed still holds
	w.Clock.Forward(overlap - 10*time.Second)
	w.mustBeKeys(t, "shortly before the end", map[string]string{first: "retired", second: "active"})
	w.mustChange(t, "the end of a key", func() { w.Clock.Forward(10 * time.Second) })
	w.mustBeKeys(t, "at the end", map[string]string{second: "active"})
	third := w.rotate(t)
	w.Clock.Forward(announcement)
	w.mustSign(t, "after the next rotation", third)
}

func revokedKeys(t *testing.T, w world) {
	first := w.onlyKey(t)
	revoke := func(id string) {
		t.Helper()
		_, err := sts.RevokeSigningKey.Call(t.Context(), w.Operator, sts.RevokeSigningKeyRequest{ID: id})
		must(t, err)
		w.settle()
	}
	_, err := sts.RevokeSigningKey.Call(t.Context(), w.Operator, sts.RevokeSigningKeyRequest{ID: "made-up"})
	mustFail(t, "a key that does not exist is revoked", err, fault.NotFound)
	next := w.rotate(t)
	revoke(next)
	w.mustBeKeys(t, "without the next one", map[string]string{first: "active"})
	w.Clock.Forward(announcement + overlap + time.Hour) // nothing has replaced it, so nothing ends it
	w.mustBeKeys(t, "long after a rotation that was called off", map[string]string{first: "active"})
	w.mustSign(t, "long after a rotation that was called off", first)

	edge := w.Issue("carol")
	internal := w.trade(t, w.gateway, edge, sts.AccessToken, "order").AccessToken
	w.mustChange(t, "a revocation", func() { revoke(first) })
	second := w.onlyKey(t)
	if second == first {
		t.Error("the key was not replaced")
	}
	w.mustBeKeys(t, "after the active one was revoked", map[string]string{second: "active"})
	w.mustSign(t, "after the active one was revoked", second)
	w.mustRefuse(t, "an access token of a revoked key", edge)
	_, err = w.other.Exchange(nobody, sts.ExchangeRequest{SubjectToken: internal, SubjectTokenType: sts.InternalToken, Audience: callee("inventory")})
	mustFail(t, "a token of a revoked key", err, fault.Unauthenticated)

	third := w.rotate(t)
	revoke(second)
	w.mustBeKeys(t, "after the active one was revoked, with a next one", map[string]string{third: "active"})
	w.mustSign(t, "after the active one was revoked, with a next one", third)

	fourth := w.rotate(t)
	w.Clock.Forward(announcement - 2*time.Second)
	old := w.Issue("carol")
	w.Clock.Forward(3 * time.Second)
	w.authenticate(t, old, "order")
	revoke(third)
	w.mustBeKeys(t, "after a retired one was revoked", map[string]string{fourth: "active"})
	w.mustRefuse(t, "an access token of a retired key that was revoked", old)
}

func roots(t *testing.T, w world) {
	all := func() map[string]string {
		t.Helper()
		states := map[string]string{}
		for _, r := range w.listed(t).Roots {
			states[r.ID] = string(r.State)
		}
		return states
	}
	mustBe := func(when string, want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, all()); diff != "" {
			t.Errorf("%s: the roots are (-want +got): %s", when, diff)
		}
		published, err := pki.ParseRoots(Domain, []byte(w.feed(t).Roots))
		must(t, err)
		for _, root := range published.Certificates() {
			if want[pki.Fingerprint(root)] == "" {
				t.Errorf("%s: %s is published", when, pki.Fingerprint(root))
			}
		}
		if got := len(published.Certificates()); got != len(want) {
			t.Errorf("%s: %d roots are published", when, got)
		}
	}
	// issues gives a certificate, and which root has signed it.
	issues := func() (certificate sts.Certificate, root string) {
		t.Helper()
		answer, err := w.other.Renew(nobody, sts.CertificateRequest{Request: requestFor(t, callee("order"))})
		must(t, err)
		above, err := x509.ParseCertificate(answer.Chain[1])
		must(t, err)
		w.proves(t, answer, answer.Roots)
		return answer, pki.Fingerprint(above)
	}
	before, first := issues()
	mustBe("at the start", map[string]string{first: "active"})
	due := w.feed(t).RenewBefore
	var second string
	var activates time.Time
	feed := w.mustChange(t, "a rotation", func() {
		next, err := sts.RotateRoot.Call(t.Context(), w.Operator, rotation)
		must(t, err)
		second, activates = next.ID, next.Activates
	})
	mustBe("announced", map[string]string{first: "active", second: "next"})
	if diff := cmp.Diff(due, feed.RenewBefore); diff != "" {
		t.Error("certificates are to be renewed before there is a reason (-want +got):", diff)
	}
	if _, by := issues(); by != first {
		t.Error("the next root signs before everybody can know it")
	}
	if !strings.HasSuffix(w.joinToken(t, "order").Reveal(), first) {
		t.Error("a join token carries another root than the one that signs")
	}
	_, err := sts.RotateRoot.Call(t.Context(), w.Operator, rotation)
	mustFail(t, "a second rotation, while one is under way", err, fault.Conflict)
	feed = w.mustChange(t, "the next root's begin", func() { w.Clock.Forward(announcement) })
	mustBe("in use", map[string]string{first: "retired", second: "active"})
	if _, by := issues(); by != second {
		t.Error("the old root still signs")
	}
	for _, workload := range []string{"gateway", "sts", "order", "inventory"} {
		if at, listed := feed.RenewBefore[workload]; listed && !at.Equal(activates.Truncate(time.Millisecond)) {
			t.Errorf("%s renews what is from before %v, want %v", workload, at, activates)
		}
	}
	if feed.RenewBefore["order"].IsZero() {
		t.Error("order is not told to renew")
	}
	w.proves(t, before, feed.Roots) // what it has signed still holds
	w.mustChange(t, "the end of a root", func() { w.Clock.Forward(overlap) })
	mustBe("at the end", map[string]string{second: "active"})
}
