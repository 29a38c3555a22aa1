package ststest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/secret"
	"oms/platform/token"
)

var keyTests = map[string]func(*testing.T, world){
	"a signing key is announced, signs, and retires":       signingKeys,
	"a signing key that is revoked stops to count at once": revokedKeys,
}

var rotation = sts.RotateRequest{Announcement: Announcement, Overlap: Overlap}

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
	w.Clock.Forward(Announcement)
	w.mustBeKeys(t, "in use", map[string]string{first: "retired", second: "active"})
	w.mustSign(t, "in use", second)
	w.read(t, last, "order")
	w.trade(t, w.other, last, sts.InternalToken, "inventory") // what it has signed still holds
	w.Clock.Forward(Overlap - 10*time.Second)
	w.mustBeKeys(t, "shortly before the end", map[string]string{first: "retired", second: "active"})
	w.mustChange(t, "the end of a key", func() { w.Clock.Forward(10 * time.Second) })
	w.mustBeKeys(t, "at the end", map[string]string{second: "active"})
	third := w.rotate(t)
	w.Clock.Forward(Announcement)
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
	w.Clock.Forward(Announcement + Overlap + time.Hour) // nothing has replaced it, so nothing ends it
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
	w.Clock.Forward(Announcement - 2*time.Second)
	old := w.Issue("carol")
	w.Clock.Forward(3 * time.Second)
	w.authenticate(t, old, "order")
	revoke(third)
	w.mustBeKeys(t, "after a retired one was revoked", map[string]string{fourth: "active"})
	w.mustRefuse(t, "an access token of a retired key that was revoked", old)
}
