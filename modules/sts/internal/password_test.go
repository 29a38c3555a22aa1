package internal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

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
			if got, err := hasher.Verify(t.Context(), hash, candidate); err != nil || got != want {
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
		if ok, err := hasher.Verify(t.Context(), secret.Text(bad), "correct horse"); ok || err == nil {
			t.Errorf("%.20q verified: %v, %v", bad, ok, err)
		}
	}
}

func TestHashingWaitsForASlot(t *testing.T) {
	hasher := NewHasher()
	for hasher.slots.TryAcquire(1) { // others are at it
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := hasher.Hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("hashed beside a full house: %v", err)
	}
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
		if good, err := hasher.Verify(t.Context(), hash, secret.Text(demoPassword(user.Name))); !good || err != nil || cost(hash) != cost(now) {
			t.Errorf("%s: %v %v %s", user.Name, good, err, cost(hash))
		}
	}
}
