package issuers_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"oms/platform/issuers"
	"oms/platform/token"
)

const publicURL = "https://orders.example"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// When a token was issued decides against what is revoked later, so of a token that names a second only it is the beginning of
// that second, and a more exact time counts within it alone.
func TestWhenATokenWasIssued(t *testing.T) {
	key := newKey(t)
	own := keysOf(t, key)
	for what, c := range map[string]struct {
		claim any
		want  time.Time
	}{
		"the second alone":               {nil, start},
		"the millisecond":                {start.Add(734 * time.Millisecond).UnixMilli(), start.Add(734 * time.Millisecond)},
		"another second":                 {start.Add(time.Second).UnixMilli(), start},
		"the second before":              {start.Add(-time.Millisecond).UnixMilli(), start},
		"a text":                         {"1767323045734", start},
		"a fraction":                     {json.Number("1767323045734.5"), start},
		"more than a number can express": {json.Number("99999999999999999999"), start},
	} {
		claims := map[string]any{"iss": publicURL, "aud": publicURL, "sub": "alice", "iat": start.Unix(), "exp": start.Add(time.Minute).Unix(), "jti": "1", "client_id": "operator"}
		if c.claim != nil {
			claims["iat_ms"] = c.claim
		}
		raw, err := token.Sign(key, "at+jwt", claims)
		if err != nil {
			t.Fatal(err)
		}
		accepted := issuers.New(issuers.Own(publicURL))
		for range 2 { // verified, and remembered
			if got, err := accepted.Verify(raw, own, start); err != nil || !got.Issued.Equal(c.want) {
				t.Errorf("%s: issued at %v, %v; want %v", what, got.Issued, err, c.want)
			}
		}
	}
}

func newKey(t *testing.T) token.SigningKey {
	t.Helper()
	key, err := token.GenerateSigningKey(token.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, key token.SigningKey, subject string) string {
	t.Helper()
	raw, err := token.Sign(key, "at+jwt", map[string]any{
		"iss": publicURL, "aud": publicURL, "sub": subject, "iat": start.Unix(), "exp": start.Add(time.Minute).Unix(),
		"jti": "1", "client_id": "operator", "scope": "add_order",
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func keysOf(t *testing.T, keys ...token.SigningKey) func(string) (*token.KeySet, error) {
	t.Helper()
	var public []token.Key
	for _, key := range keys {
		public = append(public, key.Public())
	}
	set, err := token.NewKeySet(public...)
	if err != nil {
		t.Fatal(err)
	}
	return func(string) (*token.KeySet, error) { return set, nil }
}

// A token that was verified is neither parsed nor is its signature checked again, whichever copy is asked: what is left of
// the work shows in what it allocates.
func TestATokenIsVerifiedOnce(t *testing.T) {
	key := newKey(t)
	own, raw := keysOf(t, key), sign(t, key, "alice")
	door := issuers.New(issuers.Own(publicURL))
	sts := door
	if got, err := door.Verify(raw, own, start); err != nil || got.Subject != "alice" || !got.Local {
		t.Fatalf("%+v, %v", got, err)
	}
	verify := func(accepted func() issuers.Accepted) float64 {
		return testing.AllocsPerRun(100, func() {
			if got, err := accepted().Verify(raw, own, start.Add(time.Second)); err != nil || got.Subject != "alice" {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
	whole, remembered := verify(func() issuers.Accepted { return issuers.New(issuers.Own(publicURL)) }), verify(func() issuers.Accepted { return sts })
	t.Logf("%.0f allocations to verify, %.0f to remember", whole, remembered)
	if whole < 30 || remembered > 8 {
		t.Errorf("%.0f allocations to verify, %.0f to remember", whole, remembered)
	}
}

// What can change after a token was verified is judged every time.
func TestARememberedTokenStopsToHold(t *testing.T) {
	key, other := newKey(t), newKey(t)
	own, raw := keysOf(t, key, other), sign(t, key, "alice")
	accepted := issuers.New(issuers.Own(publicURL))
	for range 2 {
		if _, err := accepted.Verify(raw, own, start); err != nil {
			t.Fatal(err)
		}
	}
	for what, c := range map[string]struct {
		raw    string
		own    func(string) (*token.KeySet, error)
		now    time.Time
		reason token.Reason
	}{
		"its key is withdrawn":    {raw, keysOf(t, other), start, token.ReasonKeyUnknown},
		"it has expired":          {raw, own, start.Add(2 * time.Minute), token.ReasonExpired},
		"the clock was set back":  {raw, own, start.Add(-time.Hour), token.ReasonNotYetValid},
		"its signature is spoilt": {raw[:len(raw)-2] + strings.Map(func(r rune) rune { return 'A' + ('B'-r)&1 }, raw[len(raw)-2:]), own, start, ""},
	} {
		if got, err := accepted.Verify(c.raw, c.own, c.now); err == nil || c.reason != "" && token.ReasonOf(err) != c.reason {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	if _, err := accepted.Verify(raw, own, start); err != nil {
		t.Errorf("the good token: %v", err)
	}
}

// Tokens without end take a bounded place, and the good ones among them hold.
func TestTheMemoryIsBounded(t *testing.T) {
	key := newKey(t)
	own, accepted := keysOf(t, key), issuers.New(issuers.Own(publicURL))
	first := sign(t, key, "alice")
	for i := range 12_000 {
		raw := first
		if i > 0 {
			raw = sign(t, key, strings.Repeat("u", 1+i%50))
		}
		if _, err := accepted.Verify(raw, own, start); err != nil {
			t.Fatal(err)
		}
	}
	if got := accepted.Remembered(); got < 1_000 || got > 10_000 {
		t.Errorf("%d tokens are remembered", got)
	}
	if _, err := accepted.Verify(first, own, start); err != nil {
		t.Error(err)
	}
}
