package internal

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"oms/modules/sts"
)

// guess is a wrong password, and gives the status of the answer.
func (o *office) guess(name, address, known string) int {
	return o.signInAs(try{name: name, password: "wrong", address: address + ":1", known: known}).Code
}

const (
	guessed   = http.StatusUnprocessableEntity
	throttled = http.StatusTooManyRequests
)

// guessUntilThrottled gives how many guesses are let through.
func (o *office) guessUntilThrottled(t *testing.T, guess func(i int) int) int {
	t.Helper()
	for i := range 10 * addressGuesses {
		if status := guess(i); status != guessed {
			if status != throttled {
				t.Fatalf("guess %d: %d", i, status)
			}
			return i
		}
	}
	t.Fatal("nothing throttles")
	return 0
}

func TestGuessingIsThrottled(t *testing.T) {
	from := func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }
	for what, c := range map[string]struct {
		guess func(o *office, i int) int
		want  int
		pause time.Duration
	}{
		"one name, one address":    {func(o *office, _ int) int { return o.guess("carol", from(1), "") }, pairGuesses, pairPause},
		"one name, many addresses": {func(o *office, i int) int { return o.guess("carol", from(i), "") }, nameGuesses, namePause},
		"no user's name":           {func(o *office, i int) int { return o.guess("nobody", from(i), "") }, nameGuesses, namePause},
		"one address, many names":  {func(o *office, i int) int { return o.guess("m"+strconv.Itoa(i), from(1), "") }, addressGuesses, addressPause},
		"one address, nobody's":    {func(o *office, _ int) int { return o.guess("NOBODY'S", from(1), "") }, addressGuesses, addressPause},
		"one IPv6 network": {func(o *office, i int) int {
			return o.guess("m"+strconv.Itoa(i), fmt.Sprintf("[2001:db8:0:1::%x]", i), "")
		}, addressGuesses, addressPause},
		"one IPv6 network, one name": {func(o *office, i int) int { return o.guess("carol", fmt.Sprintf("[2001:db8:0:1:%x::]", i), "") }, pairGuesses, pairPause},
	} {
		t.Run(what, func(t *testing.T) {
			o := openOffice(t, false)
			o.withoutDeriving()
			guess := func(i int) int { return c.guess(o, i) }
			if got := o.guessUntilThrottled(t, guess); got != c.want {
				t.Errorf("%d guesses at once, want %d", got, c.want)
			}
			o.advance(c.pause - time.Millisecond)
			if got := guess(200); got != throttled {
				t.Errorf("before the pause is over: %d", got)
			}
			o.advance(time.Millisecond)
			if first, second := guess(201), guess(202); first != guessed || second != throttled {
				t.Errorf("after a pause: %d, %d", first, second)
			}
		})
	}
}

func TestATooManyAttemptsAnswerSaysWhenToComeBack(t *testing.T) {
	o := openOffice(t, false)
	o.withoutDeriving()
	o.guessUntilThrottled(t, func(int) int { return o.guess("carol", "192.0.2.1", "") })
	w := o.signInAs(try{name: "carol", password: carolsPassword})
	if want := strconv.Itoa(int(pairPause / time.Second)); w.Code != throttled || w.Header().Get("Retry-After") != want {
		t.Errorf("answer %d, Retry-After %q, want %s", w.Code, w.Header().Get("Retry-After"), want)
	}
}

func TestRightPasswordsCostNothing(t *testing.T) {
	o := openOffice(t, true)
	o.derivingOnce()
	for range addressGuesses + 10 {
		session(t, o.signInAs(try{name: "alice", password: "alice-demo"}))
	}
	o.withoutDeriving()
	if got := o.guessUntilThrottled(t, func(int) int { return o.guess("alice", "192.0.2.1", "") }); got != pairGuesses {
		t.Errorf("after many sign-ins %d guesses are let through, want %d", got, pairGuesses)
	}
	if got := o.guessUntilThrottled(t, func(i int) int { return o.guess("m"+strconv.Itoa(i), "192.0.2.1", "") }); got != addressGuesses-pairGuesses {
		t.Errorf("after many sign-ins %d guesses more are let through from the address, want %d", got, addressGuesses-pairGuesses)
	}
}

// In 22 s a name can be guessed at as often as without it, whatever is sent besides: long passwords, which were free, names that
// cannot be, and more names than there is room for.
func TestJunkBuysNoGuesses(t *testing.T) {
	o := openOffice(t, false)
	o.withoutDeriving()
	passed, junk := 0, 0
	for second := range 22 {
		for i := range 20 {
			if o.guess("carol", fmt.Sprintf("198.51.100.%d", i), "") == guessed {
				passed++
			}
			for _, a := range []try{
				{name: "carol", password: strings.Repeat("x", 2000)},
				{name: strings.Repeat("carol", 500), password: "x"},
				{name: "carol" + strings.Repeat(" ", i), password: "x"},
				{name: "j" + strconv.Itoa(junk), password: strings.Repeat("x", 2000)},
			} {
				junk++
				a.address = fmt.Sprintf("203.0.%d.%d:1", second, junk%250)
				if o.signInAs(a); a.name == "carol" { // which is a guess, too
					continue
				}
			}
		}
		now := o.Now()
		for i := range 2000 { // names without end, as cheap as they come
			o.guesses.take(guesser{name: fmt.Sprintf("n%d-%d", second, i), address: fmt.Sprint(second, i)}, now)
		}
		o.advance(time.Second)
	}
	if passed > nameGuesses+3 {
		t.Errorf("%d guesses at carol in 22 s, want %d at most", passed, nameGuesses+3)
	}
	t.Logf("%d guesses at one name in 22 s, beside %d other attempts and %d other names", passed, junk, 22*2000)
}

func TestAThrottleForgetsNobodyWhoIsLimited(t *testing.T) {
	limit, now := newThrottle(2, time.Minute), time.Now()
	key := func(i int) throttleKey { return keyOf(strconv.Itoa(i)) }
	for i := range maxTracked {
		limit.take(key(i), now)
		limit.take(key(i), now)
	}
	for i := range 3 { // all of them limit: there is one bucket for whoever comes now
		if wait := limit.wait(key(maxTracked+i), now); (wait > 0) != (i == 2) {
			t.Errorf("newcomer %d waits %v", i, wait)
		}
		limit.take(key(maxTracked+i), now)
	}
	for i := range maxTracked {
		if limit.wait(key(i), now) == 0 {
			t.Fatalf("key %d was forgotten", i)
		}
	}
	if len(limit.keys) != maxTracked {
		t.Errorf("%d keys, want %d", len(limit.keys), maxTracked)
	}
	now = now.Add(time.Minute) // one failure of each is left
	limit.take(key(0), now)
	if limit.take(key(-1), now); len(limit.keys) != maxTracked {
		t.Errorf("%d keys: somebody with failures was forgotten", len(limit.keys))
	}
	now = now.Add(time.Minute) // of all but two nothing is left
	if limit.take(key(-2), now); len(limit.keys) != 2 {
		t.Errorf("%d keys, want the one that failed again and the new one", len(limit.keys))
	}
	if limit.wait(key(-2), now.Add(-time.Hour)) != 0 { // one failure of two, and a clock that was put back
		t.Error("a clock that is put back limits")
	}
}

// Seven addresses kept the owner of a name out for minutes (CWE-645). A browser that has signed in as the name before does not
// wait for strangers.
func TestStrangersDoNotKeepTheOwnerOut(t *testing.T) {
	o := openOffice(t, true)
	known := cookie(t, o.signInAs(try{name: "carol", password: carolsPassword}), sts.KnownCookie)
	if !strings.HasPrefix(known.Name, "__Host-") || !known.Secure || !known.HttpOnly || known.SameSite != http.SameSiteStrictMode || known.Path != "/" || known.Domain != "" || known.MaxAge < 30*24*3600 || len(known.Value) < 26 {
		t.Errorf("cookie %+v", known)
	}
	derive := o.hasher.derive
	o.withoutDeriving()
	for range 60 {
		o.advance(time.Second)
		for i := range 7 {
			for range 3 {
				o.guess("carol", fmt.Sprintf("198.51.100.%d", i), "")
			}
		}
		o.guess("carol", "192.0.2.1", "") // also from the owner's address
	}
	o.hasher.derive = derive
	right := try{name: "carol", password: carolsPassword}
	if w := o.signInAs(right); w.Code != throttled {
		t.Errorf("a stranger with the right password: %d", w.Code)
	}
	right.known = known.Value
	session(t, o.signInAs(right))
}

func TestAKnownBrowserIsKnownByWhatCannotBeMadeUp(t *testing.T) {
	o := openOffice(t, true)
	signIn := func(a try) string { return cookie(t, o.signInAs(a), sts.KnownCookie).Value }
	carol := try{name: "carol", password: carolsPassword}
	ofCarol, ofAlice := signIn(carol), signIn(try{name: "alice", password: "alice-demo"})
	carol.known = ofCarol
	if again := signIn(carol); again != ofCarol {
		t.Error("a browser that is known gets another reference")
	}
	both := signIn(try{name: "alice", password: "alice-demo", known: ofCarol})
	r := httptest.NewRequest(http.MethodPost, "/oauth2/logout", nil)
	r.AddCookie(&http.Cookie{Name: sts.KnownCookie, Value: both})
	w := httptest.NewRecorder()
	if o.pages.ServeHTTP(w, r); len(w.Result().Cookies()) != 1 {
		t.Errorf("signing out sets %v", w.Result().Cookies())
	}

	o.withoutDeriving()
	for i := range nameGuesses { // strangers have used up what carol's name has for them
		o.guess("carol", fmt.Sprintf("198.51.100.%d", i), "")
	}
	for what, c := range map[string]struct {
		known string
		want  int
	}{
		"none": {"", throttled}, "made up": {strings.Repeat("A", 26), throttled}, "another name's": {ofAlice, throttled}, "cut": {ofCarol[1:], throttled},
		"its digest": {digest(ofCarol), throttled}, "hers": {ofCarol, guessed}, "hers and another's": {both, guessed},
		"hers behind too many": {strings.Repeat("x.", maxNames) + ofCarol, throttled}, "dots": {"....", throttled}, "long": {strings.Repeat("A", 4000), throttled},
	} {
		if got := o.guess("carol", "192.0.2.1", c.known); got != c.want {
			t.Errorf("%s: %d, want %d", what, got, c.want)
		}
	}
	if got := o.guessUntilThrottled(t, func(i int) int { return o.guess("carol", fmt.Sprintf("198.51.100.%d", i), ofCarol) }); got != browserGuesses-2 {
		t.Errorf("a known browser may guess %d times more, want %d", got, browserGuesses-2)
	}

	o.advance(browserGuesses * browserPause)
	if _, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: "another horse"}); err != nil {
		t.Fatal(err)
	}
	for i := range nameGuesses {
		o.guess("carol", fmt.Sprintf("198.51.100.%d", i), "")
	}
	if got := o.guess("carol", "192.0.2.1", ofCarol); got != throttled {
		t.Errorf("known by another password: %d", got)
	}
}

func TestWhatIsKnownOfBrowsersIsBounded(t *testing.T) {
	o := openOffice(t, true)
	o.derivingOnce()
	ofCarol := `SELECT COUNT(*) FROM known_browsers WHERE user_name = 'carol'`
	first := cookie(t, o.signInAs(try{name: "carol", password: carolsPassword}), sts.KnownCookie).Value
	for range maxKnown {
		o.advance(time.Second)
		cookie(t, o.signInAs(try{name: "carol", password: carolsPassword}), sts.KnownCookie)
	}
	if got := o.count(t, ofCarol); got != maxKnown {
		t.Errorf("%d browsers are known to carol, want %d", got, maxKnown)
	}
	if got := o.count(t, `SELECT COUNT(*) FROM known_browsers WHERE digest = $1`, digest(first)); got != 0 {
		t.Error("the one that signed in longest ago is not forgotten")
	}
	o.advance(knownFor)
	if err := o.Pruner().Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := o.count(t, ofCarol); got != 0 {
		t.Errorf("%d browsers are known to carol for ever", got)
	}
	known := known{}
	for range 2 * maxNames {
		known = known.with(newReference())
	}
	if len(known) != maxNames {
		t.Errorf("a browser keeps %d references, want %d", len(known), maxNames)
	}
}
