package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/modules/sts"
	"oms/platform/fault"
	"oms/platform/observe"
	"oms/platform/rpc"
	"oms/platform/token"
)

// counted is an STS that counts what it is asked.
type counted struct {
	asked  atomic.Int64
	answer func() (string, error) // the JWKS
}

var _ sts.Service = (*counted)(nil)

// Keys implements [sts.Service].
func (c *counted) Keys(context.Context, sts.KeysRequest) (sts.KeySet, error) {
	c.asked.Add(1)
	jwks, err := c.answer()
	return sts.KeySet{JWKS: jwks}, err
}

// Judge implements [sts.Service].
func (*counted) Judge(context.Context, sts.JudgeRequest) (sts.Judgement, error) {
	return sts.Judgement{}, fault.New(fault.Unauthenticated, "no")
}

// JudgeSession implements [sts.Service].
func (*counted) JudgeSession(context.Context, sts.JudgeSessionRequest) (sts.Judgement, error) {
	return sts.Judgement{}, fault.New(fault.Unauthenticated, "no")
}

// cacheOver is a key cache over a real host of the service.
func cacheOver(t *testing.T, service sts.Service, now func() time.Time) *keyCache {
	t.Helper()
	recorder, err := observe.NewRecorder(slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	host, err := rpc.NewHost[sts.Service]("sts", sts.Operations, service, recorder, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &keyCache{sts: sts.Client{Conn: rpc.Local(host, Name)}, now: now}
}

// jwks is a key set of one new key, and the key's kid.
func jwks(t *testing.T) (document, kid string) {
	t.Helper()
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	set, err := token.NewKeySet(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), key.ID()
}

// clock is set by hand.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_000_000, 0).Add(time.Duration(c.at.Load())) }
func (c *clock) forward(d time.Duration) { c.at.Add(int64(d)) }

func (c *keyCache) wants(t *testing.T, kid string, known bool) {
	t.Helper()
	keys, err := c.having(t.Context(), kid)
	if err != nil {
		t.Fatal(err)
	}
	if _, found := keys.Lookup(kid); found != known {
		t.Errorf("the key %s: found %v", kid, found)
	}
}

// A flood of made-up kids (CWE-770): at most one fetch in ten seconds, and known kids never wait for one.
func TestUnknownKidsCauseOneFetchInTenSeconds(t *testing.T) {
	document, kid := jwks(t)
	service, at := &counted{answer: func() (string, error) { return document, nil }}, &clock{}
	cache := cacheOver(t, service, at.now)
	cache.wants(t, kid, true)
	for second := range 30 {
		for range 100 {
			cache.wants(t, "made-up", false)
			cache.wants(t, kid, true)
		}
		if got, want := service.asked.Load(), int64(1+second/10); got != want {
			t.Fatalf("after %d seconds: asked %d times, want %d", second, got, want)
		}
		at.forward(time.Second)
	}
}

func TestManyAtOnceShareOneFetch(t *testing.T) {
	document, kid := jwks(t)
	service, at := &counted{answer: func() (string, error) { return document, nil }}, &clock{}
	cache := cacheOver(t, service, at.now)
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() { cache.wants(t, []string{kid, "made-up"}[i%2], i%2 == 0) })
	}
	all.Wait()
	if got := service.asked.Load(); got != 1 {
		t.Errorf("asked %d times", got)
	}
}

func TestTheOldKeysStayWhenTheSTSFails(t *testing.T) {
	document, kid := jwks(t)
	next, nextKid := jwks(t)
	service, at := &counted{answer: func() (string, error) { return document, nil }}, &clock{}
	cache := cacheOver(t, service, at.now)
	cache.wants(t, kid, true)
	for name, answer := range map[string]func() (string, error){
		"unavailable": func() (string, error) { return "", fault.Retryable(time.Second, "away") },
		"a page":      func() (string, error) { return "<html>", nil },
		"no keys":     func() (string, error) { return `{"keys":[]}`, nil },
		"oct key":     func() (string, error) { return `{"keys":[{"kty":"oct","kid":"x","k":"AAAA"}]}`, nil },
		"a panic":     func() (string, error) { panic("defect") },
	} {
		at.forward(refetchInterval)
		service.answer = answer
		before := service.asked.Load()
		for range 10 {
			cache.wants(t, "made-up", false)
			cache.wants(t, kid, true)
		}
		if got := service.asked.Load() - before; got != 1 {
			t.Errorf("%s: asked %d times", name, got)
		}
	}
	service.answer = func() (string, error) { return next, nil }
	at.forward(refetchInterval)
	cache.wants(t, nextKid, true)
}

// Before the first answer there is nobody to let in: it is tried again soon, but not by every request.
func TestWithoutKeysTheSTSIsAskedOnceASecond(t *testing.T) {
	document, kid := jwks(t)
	service, at := &counted{answer: func() (string, error) { return "", fault.Retryable(time.Second, "not yet") }}, &clock{}
	cache := cacheOver(t, service, at.now)
	for range 5 {
		for range 100 {
			if keys, err := cache.having(t.Context(), kid); keys != nil || fault.CodeOf(err) != fault.Unavailable {
				t.Fatalf("%v, %v", keys, err)
			}
		}
		at.forward(retryInterval)
	}
	if got := service.asked.Load(); got != 5 {
		t.Errorf("asked %d times", got)
	}
	service.answer = func() (string, error) { return document, nil }
	cache.wants(t, kid, true)
}
