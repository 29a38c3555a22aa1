package trust_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/token"
	"oms/platform/trust"
	"oms/platform/trust/trusttest"
)

// counted is an STS that counts what it is asked.
type counted struct {
	asked  atomic.Int64
	answer func() (*token.KeySet, error)
}

func (c *counted) keys(context.Context) (*token.KeySet, error) {
	c.asked.Add(1)
	return c.answer()
}

// oneKey is a key set of one new key, and the key's kid.
func oneKey(t *testing.T) (set *token.KeySet, kid string) {
	t.Helper()
	key := trusttest.NewKey(t)
	set, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return set, key.ID()
}

func wants(t *testing.T, known *trust.Keys, kid string, found bool) {
	t.Helper()
	keys, err := known.Having(t.Context(), kid)
	if err != nil {
		t.Fatal(err)
	}
	if _, has := keys.Lookup(kid); has != found {
		t.Errorf("the key %s: found %v", kid, has)
	}
}

// A flood of made-up kids (CWE-770): at most one fetch in ten seconds, and known kids never wait for one.
func TestUnknownKidsCauseOneFetchInTenSeconds(t *testing.T) {
	set, kid := oneKey(t)
	service, at := &counted{answer: func() (*token.KeySet, error) { return set, nil }}, &trusttest.Clock{}
	cache := trust.NewKeys(service.keys, at.Now)
	wants(t, cache, kid, true)
	for second := range 30 {
		for range 100 {
			wants(t, cache, "made-up", false)
			wants(t, cache, kid, true)
		}
		if got, want := service.asked.Load(), int64(1+second/10); got != want {
			t.Fatalf("after %d seconds: asked %d times, want %d", second, got, want)
		}
		at.Forward(time.Second)
	}
}

func TestManyAtOnceShareOneFetch(t *testing.T) {
	set, kid := oneKey(t)
	service, at := &counted{answer: func() (*token.KeySet, error) { return set, nil }}, &trusttest.Clock{}
	cache := trust.NewKeys(service.keys, at.Now)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { wants(t, cache, []string{kid, "made-up"}[i%2], i%2 == 0) })
	}
	all.Wait()
	if got := service.asked.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

func TestTheOldKeysStayWhenTheSTSFails(t *testing.T) {
	set, kid := oneKey(t)
	next, nextKid := oneKey(t)
	service, at := &counted{answer: func() (*token.KeySet, error) { return set, nil }}, &trusttest.Clock{}
	cache := trust.NewKeys(service.keys, at.Now)
	wants(t, cache, kid, true)
	for name, answer := range map[string]func() (*token.KeySet, error){
		"unavailable": func() (*token.KeySet, error) { return nil, fault.Retryable(time.Second, "away") },
		"a page":      func() (*token.KeySet, error) { return token.ParseKeySet([]byte("<html>")) },
		"no keys":     func() (*token.KeySet, error) { return token.ParseKeySet([]byte(`{"keys":[]}`)) },
		"oct key": func() (*token.KeySet, error) {
			return token.ParseKeySet([]byte(`{"keys":[{"kty":"oct","kid":"x","k":"AAAA"}]}`))
		},
	} {
		at.Forward(10 * time.Second)
		service.answer = answer
		before := service.asked.Load()
		for range 10 {
			wants(t, cache, "made-up", false)
			wants(t, cache, kid, true)
		}
		if got := service.asked.Load() - before; got != 1 {
			t.Errorf("%s: asked %d times", name, got)
		}
	}
	service.answer = func() (*token.KeySet, error) { return next, nil }
	at.Forward(10 * time.Second)
	wants(t, cache, nextKid, true)
}

// Before the first answer there is nobody to let in: it is tried again soon, but not by every request.
func TestWithoutKeysTheSTSIsAskedOnceASecond(t *testing.T) {
	set, kid := oneKey(t)
	service, at := &counted{answer: func() (*token.KeySet, error) { return nil, fault.Retryable(time.Second, "not yet") }}, &trusttest.Clock{}
	cache := trust.NewKeys(service.keys, at.Now)
	for range 5 {
		for range 100 {
			if keys, err := cache.Having(t.Context(), kid); keys != nil || fault.CodeOf(err) != fault.Unavailable {
				t.Fatalf("%v, %v", keys, err)
			}
		}
		at.Forward(time.Second)
	}
	if got := service.asked.Load(); got != 5 {
		t.Errorf("asked %d times", got)
	}
	service.answer = func() (*token.KeySet, error) { return set, nil }
	wants(t, cache, kid, true)
}

// A flood of made-up kids does not keep a new key away: that is announced.
func TestAnAnnouncedKeyIsKnownAtOnce(t *testing.T) {
	set, _ := oneKey(t)
	next, nextKid := oneKey(t)
	service, at := &counted{answer: func() (*token.KeySet, error) { return set, nil }}, &trusttest.Clock{}
	cache := trust.NewKeys(service.keys, at.Now)
	wants(t, cache, "made-up", false)
	wants(t, cache, nextKid, false)
	cache.Announce(next)
	wants(t, cache, nextKid, true)
	if got := service.asked.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
}
