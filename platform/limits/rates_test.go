package limits

import (
	"fmt"
	"testing"
	"time"
)

// clock is moved by its test.
type clock struct{ at time.Time }

func (c *clock) now() time.Time         { return c.at }
func (c *clock) pass(d time.Duration)   { c.at = c.at.Add(d) }
func newClock() *clock                  { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }
func admitted(take func() *Refusal) int { return admittedOf(10_000, take) }

// admittedOf is how many requests are let in before the first refusal.
func admittedOf(most int, take func() *Refusal) (n int) {
	for n < most && take() == nil {
		n++
	}
	return n
}

func TestABurstAndThenSoManyASecond(t *testing.T) {
	for _, c := range []struct {
		what          string
		take          func(*Rates) *Refusal
		burst, second int
	}{
		{"a user's writes", func(r *Rates) *Refusal { return r.User(Write, "alice") }, 200, 100},
		{"a user's reads", func(r *Rates) *Refusal { return r.User(Read, "alice") }, 1000, 500},
		{"an address's writes", func(r *Rates) *Refusal { return r.Address(Write, "192.0.2.1") }, 100, 50},
		{"an address's reads", func(r *Rates) *Refusal { return r.Address(Read, "192.0.2.1") }, 500, 250},
		{"an address's sign-ins", func(r *Rates) *Refusal { return r.Address(SignIn, "192.0.2.1") }, 100, 10},
		{"an address's tokens", func(r *Rates) *Refusal { return r.Address(Token, "192.0.2.1") }, 200, 50},
	} {
		clock := newClock()
		rates := NewRates(DefaultRates(), clock.now)
		take := func() *Refusal { return c.take(rates) }
		if n := admitted(take); n != c.burst {
			t.Errorf("%s: %d at once, want %d", c.what, n, c.burst)
		}
		clock.pass(time.Second)
		if n := admitted(take); n != c.second {
			t.Errorf("%s: %d a second later, want %d", c.what, n, c.second)
		}
		refused := take()
		if want := time.Second / time.Duration(c.second); refused.RetryAfter < want || refused.RetryAfter > want+time.Microsecond || refused.Policy.Burst != int64(c.burst) {
			t.Errorf("%s: refused with %+v, want to be let in after %v", c.what, refused, want)
		}
		clock.pass(refused.RetryAfter)
		if take() != nil {
			t.Errorf("%s: refused when it was told to come back", c.what)
		}
	}
}

func TestNobodyUsesUpAnothersRate(t *testing.T) {
	rates := NewRates(DefaultRates(), newClock().now)
	admitted(func() *Refusal { return rates.User(Write, "mallory") })
	admitted(func() *Refusal { return rates.Address(Write, "192.0.2.1") })
	for range 10_000 {
		rates.Unproven(Write, "192.0.2.1")
	}
	for what, refused := range map[string]*Refusal{
		"another user":                        rates.User(Write, "alice"),
		"the same user's reads":               rates.User(Read, "mallory"),
		"a user named like an address":        rates.User(Write, "192.0.2.1"),
		"another address":                     rates.Address(Write, "192.0.2.2"),
		"a credential from another address":   rates.MayProve(Write, "192.0.2.2"),
		"a credential for another class":      rates.MayProve(Read, "192.0.2.1"),
		"an address named like a user":        rates.Address(Write, "mallory"),
		"another address that proves nothing": rates.MayProve(Write, "192.0.2.3"),
	} {
		if refused != nil {
			t.Errorf("%s is refused", what)
		}
	}
}

// Whoever sends credentials that prove nothing is not looked at any more, before anything is verified.
func TestCredentialsThatProveNothingAreBounded(t *testing.T) {
	clock := newClock()
	rates := NewRates(DefaultRates(), clock.now)
	looked := admitted(func() *Refusal {
		refused := rates.MayProve(Read, "192.0.2.1")
		if refused == nil {
			rates.Unproven(Read, "192.0.2.1")
		}
		return refused
	})
	if looked != 500 {
		t.Errorf("%d are looked at, want 500", looked)
	}
	if refused := rates.Address(Read, "192.0.2.1"); refused != nil {
		t.Error("they use up what requests without a credential may have")
	}
	clock.pass(4 * time.Millisecond)
	if rates.MayProve(Read, "192.0.2.1") != nil {
		t.Error("a while later they are refused still")
	}
}

func TestOffMeansThatNobodyIsRefused(t *testing.T) {
	settings := DefaultRates()
	settings.Enabled = false
	rates := NewRates(settings, newClock().now)
	n := admittedOf(5000, func() *Refusal { return rates.User(Write, "alice") })
	n += admittedOf(5000, func() *Refusal { rates.Unproven(Read, "a"); return rates.MayProve(Read, "a") })
	if n != 10_000 || len(rates.buckets) != 0 {
		t.Errorf("%d are let in, with %d buckets", n, len(rates.buckets))
	}
}

// Names and addresses without end take no memory without end, and free nobody.
func TestTheTableIsBoundedAndForgetsNobodyWhoIsLimited(t *testing.T) {
	clock := newClock()
	rates := NewRates(DefaultRates(), clock.now)
	rates.most = 100
	limited := func(name string) bool { return rates.User(Write, name) != nil }
	for i := range rates.most - 1 {
		admitted(func() *Refusal { return rates.User(Write, fmt.Sprint("limited ", i)) })
	}
	rates.User(Write, "once") // and full again 10 ms later
	clock.pass(10 * time.Millisecond)
	if limited("newcomer") {
		t.Error("there is a full bucket, and a newcomer is refused")
	}
	newcomers := admitted(func() *Refusal { return rates.User(Write, "newcomer") })
	for i := range 10_000 {
		if !limited(fmt.Sprint("made up ", i)) {
			newcomers++
		}
	}
	if newcomers > 199+200 { // its own, and the shared one
		t.Errorf("%d requests of newcomers are let in", newcomers)
	}
	if len(rates.buckets) > rates.most || len(rates.shared) != 1 {
		t.Errorf("%d buckets and %d shared ones", len(rates.buckets), len(rates.shared))
	}
	for i := range rates.most - 1 {
		name := fmt.Sprint("limited ", i)
		if n := admitted(func() *Refusal { return rates.User(Write, name) }); n > 1 { // one came back in these 10 ms
			t.Fatalf("%s was forgotten: %d requests are let in", name, n)
		}
	}
	clock.pass(time.Minute)
	if limited("later") || len(rates.buckets) > 2 {
		t.Errorf("a minute later there are %d buckets", len(rates.buckets))
	}
}

func TestALongSubjectTakesNoMoreMemory(t *testing.T) {
	long := make([]byte, 1<<20)
	if a, b := keyOf(Read, user, string(long)), keyOf(Read, user, string(long[1:])); a == b {
		t.Error("two subjects have one bucket")
	}
}
