package internal

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"oms/platform/fault"
	"oms/platform/secret"
)

func TestAPasswordIsVerifiedAgainstItsHashAlone(t *testing.T) {
	hasher := NewHasher()
	long := secret.Text(strings.Repeat("ä", 400)) // 800 bytes: nothing beyond the 72nd is ignored
	for _, password := range []secret.Text{"correct horse", "12345678", long} {
		hash, err := hasher.Hash(t.Context(), password)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(hash.Reveal(), "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("hash %s", hash.Reveal())
		}
		for candidate, want := range map[secret.Text]bool{password: true, password + "x": false, password[:len(password)-1]: false, "": false, secret.Text(strings.Repeat("x", 1<<20)): false} {
			if got, err := hasher.verify(hash, candidate); err != nil || got != want {
				t.Errorf("verify: %v, %v; want %v", got, err, want)
			}
		}
		again, err := hasher.Hash(t.Context(), password)
		if err != nil || again == hash {
			t.Errorf("the same password has the same hash twice: no salt (%v)", err)
		}
	}
}

func TestAHashThatIsNotOneIsAnError(t *testing.T) {
	hasher := NewHasher()
	good, err := hasher.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "plain", "$2a$10$abcdefghijklmnopqrstuv", strings.Replace(good.Reveal(), "argon2id", "argon2i", 1),
		strings.Replace(good.Reveal(), "v=19", "v=16", 1), strings.Replace(good.Reveal(), "t=2", "t=0", 1), strings.Replace(good.Reveal(), "p=1", "p=0", 1),
		good.Reveal()[:len(good)-4], strings.Replace(good.Reveal(), "$m=", "$x=", 1),
		strings.Replace(good.Reveal(), "m=19456", "m=4294967295", 1), strings.Replace(good.Reveal(), "t=2", "t=4294967295", 1), strings.Replace(good.Reveal(), "p=1", "p=255", 1),
		strings.Replace(good.Reveal(), "p=1", "p=1,x=1", 1), strings.Replace(good.Reveal(), "m=", "m= ", 1), strings.Replace(good.Reveal(), "t=2", "t=02", 1), good.Reveal() + "\n", good.Reveal() + "$"} {
		if ok, err := hasher.verify(secret.Text(bad), "correct horse"); ok || err == nil {
			t.Errorf("%.20q verified: %v, %v", bad, ok, err)
		}
	}
}

// Operators' new passwords wait for their turn, however full the queue of sign-ins is.
func TestANewPasswordWaitsForItsTurnOutsideTheQueue(t *testing.T) {
	hasher := NewHasher()
	for hasher.places.TryAcquire(1) { // the queue of sign-ins is full
	}
	if _, err := hasher.Hash(t.Context(), "correct horse"); err != nil {
		t.Errorf("beside a full queue: %v", err)
	}
	for hasher.turns.TryAcquire(1) { // others are at it
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hasher.Hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("hashed beside others: %v", err)
	}
}

func TestTheQueueOfSignInsIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasher := NewHasher()
		turns := max(1, runtime.GOMAXPROCS(0)/2)
		var end []func()
		for range turns {
			done, err := hasher.turn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			end = append(end, done)
		}
		leaving, leave := context.WithCancel(t.Context())
		answered := make(chan error, turns*int(queueFor))
		wait := func(ctx context.Context) {
			done, err := hasher.turn(ctx)
			if err == nil {
				defer done()
			}
			answered <- err
		}
		go wait(leaving)
		for range turns*int(queueFor) - 1 {
			go wait(t.Context())
		}
		synctest.Wait()
		for range 1000 {
			if _, err := hasher.turn(t.Context()); fault.CodeOf(err) != fault.Unavailable || fault.From(err).RetryAfter < time.Second {
				t.Fatalf("behind a full queue: %v", err)
			}
		}
		leave()
		synctest.Wait()
		if err := <-answered; !errors.Is(err, context.Canceled) {
			t.Errorf("who went away: %v", err)
		}
		go wait(t.Context()) // there is a place again
		synctest.Wait()
		for _, done := range end {
			done()
		}
		for range turns * int(queueFor) {
			if err := <-answered; err != nil {
				t.Errorf("in the queue: %v", err)
			}
		}
	})
}

func TestAHashDoesNotPrint(t *testing.T) {
	hash, err := NewHasher().Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %s %q %#v", hash, hash, hash, hash); strings.Contains(printed, "argon2id$") {
		t.Errorf("printed as %s", printed)
	}
}

// What is hashed ahead is what would be hashed now.
func TestHashesThatAreMadeAheadAreUpToDate(t *testing.T) {
	hasher := NewHasher()
	now, err := hasher.Hash(t.Context(), "any password")
	if err != nil {
		t.Fatal(err)
	}
	cost := func(hash secret.Text) string { return strings.Join(strings.Split(hash.Reveal(), "$")[:4], "$") }
	if cost(nobodysHash) != cost(now) {
		t.Errorf("what nobody knows costs %s, others %s", cost(nobodysHash), cost(now))
	}
	for _, user := range DemoUsers() {
		hash := demoHashes[user.Name]
		if good, err := hasher.verify(hash, secret.Text(demoPassword(user.Name))); !good || err != nil || cost(hash) != cost(now) {
			t.Errorf("%s: %v %v %s", user.Name, good, err, cost(hash))
		}
	}
}
