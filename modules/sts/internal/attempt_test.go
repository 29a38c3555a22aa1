package internal

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"oms/modules/sts"
	"oms/platform/database"
	"oms/platform/secret"
)

// derivation is one that was made, by its cost.
type derivation struct {
	passes, memory uint32
	lanes          uint8
	salt, length   int
}

// recordDerivations gives those that are made from now on. before is called in each of them.
func (o *office) recordDerivations(before func()) func() []derivation {
	derive := o.hasher.derive
	var mu sync.Mutex
	var made []derivation
	o.hasher.derive = func(password, salt []byte, passes, memory uint32, lanes uint8, length uint32) []byte {
		mu.Lock()
		made = append(made, derivation{passes, memory, lanes, len(salt), int(length)})
		mu.Unlock()
		before()
		return derive(password, salt, passes, memory, lanes, length)
	}
	return func() []derivation {
		mu.Lock()
		defer mu.Unlock()
		defer func() { made = nil }()
		return made
	}
}

// withoutDeriving has every password take no time, and match nothing.
func (o *office) withoutDeriving() {
	o.hasher.derive = func(_, _ []byte, _, _ uint32, _ uint8, length uint32) []byte { return make([]byte, length) }
}

// derivingOnce has a password that was derived before take no time.
func (o *office) derivingOnce() {
	derive := o.hasher.derive
	var mu sync.Mutex
	made := map[string][]byte{}
	o.hasher.derive = func(password, salt []byte, passes, memory uint32, lanes uint8, length uint32) []byte {
		mu.Lock()
		defer mu.Unlock()
		of := string(salt) + string(password)
		if made[of] == nil {
			made[of] = derive(password, salt, passes, memory, lanes, length)
		}
		return made[of]
	}
}

// Time must not tell what is wrong with an attempt (CWE-208): the work of every one is the same derivation.
func TestEveryAttemptCostsOneDerivation(t *testing.T) {
	o := openOffice(t, false)
	if _, err := o.operator.AddUser(t.Context(), sts.AddUserRequest{Name: "dave", Password: carolsPassword}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.operator.SetUserDisabled(t.Context(), sts.SetUserDisabledRequest{User: "dave", Disabled: true}); err != nil {
		t.Fatal(err)
	}
	made := o.recordDerivations(func() {})
	want := derivation{argonPasses, argonMemory, argonLanes, argonSalt, argonKey}
	for what, a := range map[string]try{
		"all is right":              {name: "carol", password: carolsPassword},
		"wrong password":            {name: "carol", password: "incorrect horse"},
		"unknown name":              {name: "nobody", password: carolsPassword},
		"disabled":                  {name: "dave", password: carolsPassword},
		"demo account, demo off":    {name: "alice", password: "alice-demo"},
		"no password":               {name: "carol"},
		"short password":            {name: "carol", password: "1234567"},
		"longest password":          {name: "carol", password: strings.Repeat("x", maxPassword)},
		"a byte too long":           {name: "carol", password: strings.Repeat("x", maxPassword+1)},
		"much too long":             {name: "carol", password: strings.Repeat("x", 8000)},
		"much too long, unknown":    {name: "nobody", password: strings.Repeat("x", 8000)},
		"the right one, and a tail": {name: "carol", password: carolsPassword + strings.Repeat("\x00", 2000)},
		"password not UTF-8":        {name: "carol", password: "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"},
		"name not UTF-8":            {name: "c\xffrol", password: carolsPassword},
		"name with NUL":             {name: "carol\x00", password: carolsPassword},
		"no name":                   {password: carolsPassword},
		"long name":                 {name: strings.Repeat("c", 65), password: carolsPassword},
		"much too long name":        {name: strings.Repeat("c", 8000), password: carolsPassword},
		"upper case":                {name: "CAROL", password: carolsPassword},
		"a client's name":           {name: "client:carol", password: carolsPassword},
	} {
		o.advance(pairPause)
		status := http.StatusUnprocessableEntity
		if what == "all is right" {
			status = http.StatusSeeOther
		}
		if w := o.signInAs(a); w.Code != status || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: answer %d, Cache-Control %q", what, w.Code, w.Header().Get("Cache-Control"))
		}
		if got := made(); len(got) != 1 || got[0] != want {
			t.Errorf("%s cost %+v, want once %+v", what, got, want)
		}
	}
}

// A password of the longest length is not a prefix of anybody's: what is derived of one that is too long is refused.
func TestAPasswordThatIsTooLongIsNotTheOneItBeginsWith(t *testing.T) {
	o := openOffice(t, false)
	longest := strings.Repeat("x", maxPassword)
	if _, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: secret.Text(longest)}); err != nil {
		t.Fatal(err)
	}
	session(t, o.signInAs(try{name: "carol", password: longest}))
	if w := o.signInAs(try{name: "carol", password: longest + "x"}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("with a byte more: %d", w.Code)
	}
}

// 1,000 sign-ins at once: those in the queue are answered, the others told at once when to come back, and whoever is signed in
// notices nothing.
func TestManySignInsAtOnce(t *testing.T) {
	const many = 1000
	o := openOffice(t, false)
	o.derivingOnce()
	holding := session(t, o.signInAs(try{name: "carol", password: carolsPassword})).Value
	for o.hasher.turns.TryAcquire(1) { // nobody gets a turn until all have come
	}
	answers := make(chan *httptest.ResponseRecorder, many)
	for i := range many {
		go func() {
			answers <- o.signInAs(try{name: "carol", password: carolsPassword, address: fmt.Sprintf("198.51.%d.%d:1", i/250, i%250)})
		}()
	}
	turns := max(1, runtime.GOMAXPROCS(0)/2)
	places := turns + turns*int(queueFor)
	for range many - places {
		if w := <-answers; w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `id="password"`) {
			t.Fatalf("behind a full queue: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
	}
	o.mustHold(t, holding, true)
	o.hasher.turns.Release(int64(turns))
	for range places {
		session(t, <-answers)
	}
	t.Logf("%d sign-ins at once: %d answered, %d told to come back", many, places, many-places)
}

// Whoever has compared a password acts on what was read before. It is read again where the session is written (CWE-367).
func TestASignInThatIsUnderWayOpensNoSessionAfter(t *testing.T) {
	for what, change := range map[string]func(o *office) error{
		"the password was changed": func(o *office) error {
			_, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: "another horse"})
			return err
		},
		"the password was set to the same": func(o *office) error {
			_, err := o.operator.SetPassword(t.Context(), sts.SetPasswordRequest{User: "carol", Password: carolsPassword})
			return err
		},
		"the user was disabled": func(o *office) error {
			_, err := o.operator.SetUserDisabled(t.Context(), sts.SetUserDisabledRequest{User: "carol", Disabled: true})
			return err
		},
		"the user was disabled and enabled": func(o *office) error {
			if _, err := o.operator.SetUserDisabled(t.Context(), sts.SetUserDisabledRequest{User: "carol", Disabled: true}); err != nil {
				return err
			}
			_, err := o.operator.SetUserDisabled(t.Context(), sts.SetUserDisabledRequest{User: "carol"})
			return err
		},
		"the user was signed out everywhere": func(o *office) error {
			_, err := o.operator.SignOutUser(t.Context(), sts.SignOutUserRequest{User: "carol"})
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			o := openOffice(t, false)
			made := o.recordDerivations(func() {
				if err := change(o); err != nil {
					t.Error(err)
				}
			})
			w := o.signInAs(try{name: "carol", password: carolsPassword})
			if w.Code != http.StatusUnprocessableEntity || len(w.Result().Cookies()) != 0 || len(made()) != 1 {
				t.Errorf("answer %d with the cookies %v", w.Code, w.Result().Cookies())
			}
			for _, table := range []string{"sessions", "known_browsers"} {
				if n := o.count(t, `SELECT COUNT(*) FROM `+table); n != 0 {
					t.Errorf("%s holds %d rows", table, n)
				}
			}
		})
	}
}

func (o *office) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	n, err := database.Read(t.Context(), o.Store, func(tx database.Tx) (n int, err error) {
		err = tx.QueryRow(query, args...).Scan(&n)
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// People type passwords where their name belongs, and strangers type what they like.
func TestTheLogNamesUsersAloneAndDoesNotGrowByStrangers(t *testing.T) {
	o := openOffice(t, false)
	o.withoutDeriving()
	o.signInAs(try{name: "carol", password: "a wrong secret"})
	o.signInAs(try{name: "my secret phrase", password: "a wrong secret"})
	o.signInAs(try{name: "mysecretphrase", password: "a wrong secret"})
	if lines := o.log.Lines("a sign-in has failed", "user=carol", "from=192.0.2.1"); len(lines) != 1 {
		t.Errorf("of carol: %q", lines)
	}
	if text := o.log.String(); strings.Contains(text, "secret") {
		t.Errorf("the log holds what was typed: %s", text)
	}
	for i := range 2000 { // within one second
		o.signInAs(try{name: "m" + strconv.Itoa(i), password: "x", address: fmt.Sprintf("198.51.%d.%d:1", i/250, i%250)})
	}
	if lines := o.log.Lines("a sign-in has failed"); len(lines) > 30 {
		t.Errorf("%d lines for 2,003 failures in one second", len(lines))
	}
	o.advance(pairPause)
	o.signInAs(try{name: "carol", password: "x"})
	if lines := o.log.Lines("user=carol", "suppressed=19"); len(lines) != 1 {
		t.Errorf("what was left out is not told: %s", o.log)
	}
}
