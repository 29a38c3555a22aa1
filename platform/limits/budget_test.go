package limits

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"oms/platform/fault"
)

// entered enters until it is refused, and says how often it was let in.
func entered(b *Budget, rank Rank, who func(int) string) (shares []*Share) {
	for i := range 100_000 {
		s, err := b.Enter(rank, who(i))
		if err != nil {
			break
		}
		shares = append(shares, s)
	}
	return shares
}

func one(who string) func(int) string { return func(int) string { return who } }

func everyone(i int) string { return fmt.Sprint("host ", i) }

func leave(shares []*Share) {
	for _, s := range shares {
		s.Leave()
	}
}

// expectNothingUsed holds that everything is given back.
func expectNothingUsed(t *testing.T, b *Budget) {
	t.Helper()
	if bytes, requests := b.Used(); bytes != 0 || requests != 0 || len(b.holders) != 0 || b.ranks != [len(portions)]holding{} {
		t.Errorf("%d bytes and %d requests are in use by %d", bytes, requests, len(b.holders))
	}
}

const large = 1 << 30

func TestCheapRequestsAreRefusedLast(t *testing.T) {
	for what, b := range map[string]*Budget{"requests": NewBudget(large, 80), "bytes": NewBudget(80*Base, large)} {
		var all []*Share
		for _, c := range []struct {
			rank Rank
			more int
		}{{Least, 10}, {Dear, 30}, {Ordinary, 20}, {Cheap, 20}} {
			shares := entered(b, c.rank, everyone)
			if all = append(all, shares...); len(shares) != c.more {
				t.Errorf("%s: %d more of rank %d, want %d", what, len(shares), c.rank, c.more)
			}
		}
		_, err := b.Enter(Cheap, "later")
		if failure := fault.From(err); failure.Code != fault.Unavailable || failure.ToldRetry() != time.Second {
			t.Errorf("%s: refused with %v", what, err)
		}
		leave(all)
		expectNothingUsed(t, b)
	}
}

// A thousand forms at once wait for the processors, and leave all else what there is.
func TestSignInsHoldAPartAlone(t *testing.T) {
	for what, b := range map[string]*Budget{"requests": NewBudget(large, 80), "bytes": NewBudget(80*Base, large)} {
		forms := entered(b, SigningIn, everyone)
		if lists := entered(b, Dear, everyone); len(forms) != 10 || len(lists) != 30 {
			t.Errorf("%s: %d forms and %d lists, want 10 and 30", what, len(forms), len(lists))
		} else {
			leave(lists)
		}
		leave(forms)
		expectNothingUsed(t, b)
	}
}

func TestOneCannotTakeAll(t *testing.T) {
	b := NewBudget(large, 80)
	shares := entered(b, Cheap, one("192.0.2.1"))
	if len(shares) != 20 {
		t.Errorf("one address has %d of 80 requests, want 20", len(shares))
	}
	other, err := b.Enter(Dear, "192.0.2.2")
	if err != nil {
		t.Errorf("another address is refused: %v", err)
	}
	leave(append(shares, other))
	if anywhere := entered(b, Cheap, one("")); len(anywhere) != 80 { // another part of the system
		t.Errorf("nobody in particular has %d of 80", len(anywhere))
	} else {
		leave(anywhere)
	}
	expectNothingUsed(t, b)
}

func TestAUserHasOneShareFromAllAddresses(t *testing.T) {
	b := NewBudget(80*Base, large)
	var all []*Share
	served := 0
	for i := range 30 {
		s, err := b.Enter(Cheap, everyone(i))
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, s); s.For("mallory") == nil {
			served++
		}
	}
	if served != 20 || all[0].Take(1) == nil {
		t.Errorf("%d requests of one user are served, want 20 and not a byte more", served)
	}
	if s, err := b.Enter(Cheap, "elsewhere"); err != nil || s.For("alice") != nil || s.Take(1) != nil {
		t.Errorf("another user is refused: %v", err)
	} else {
		s.Leave()
	}
	leave(all)
	expectNothingUsed(t, b)
}

func TestWhatIsTakenIsGivenBack(t *testing.T) {
	b := NewBudget(80*Base, large)
	s, err := b.Enter(Cheap, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.For("alice"), s.Take(19*Base)); err != nil {
		t.Fatal(err)
	}
	if s.Take(1) == nil {
		t.Error("one holds more than a quarter")
	}
	s.Give(10)
	if err := s.Take(10); err != nil {
		t.Errorf("what was given back cannot be taken again: %v", err)
	}
	s.Leave()
	expectNothingUsed(t, b)
}

// slowly gives a byte with each read.
type slowly struct{ io.Reader }

func (s slowly) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 1)]) }

func TestABodyIsPaidForBeforeItIsRead(t *testing.T) {
	text := strings.Repeat("x", 100_000)
	for length, want := range map[int64]int64{int64(len(text)): 100_001, -1: 131_072} { // what is kept of it, in steps
		b := NewBudget(large, large)
		s, err := b.Enter(Cheap, "a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.ReadAll(slowly{strings.NewReader(text)}, length)
		if held, _ := b.Used(); err != nil || string(got) != text || held-Base > want+firstRead || held-Base < int64(len(text)) {
			t.Errorf("length %d: read %d bytes, %d are held, %v", length, len(got), held-Base, err)
		}
		s.Leave()
		expectNothingUsed(t, b)
	}
	b := NewBudget(80*Base, large)
	s, err := b.Enter(Cheap, "a")
	if err != nil {
		t.Fatal(err)
	}
	unread := strings.NewReader(text + text + text + text)
	if _, err := s.ReadAll(unread, unread.Size()); fault.CodeOf(err) != fault.Unavailable || unread.Len() != int(unread.Size()) {
		t.Errorf("%d bytes are left unread, %v", unread.Len(), err)
	}
	if _, err := s.ReadAll(unread, -1); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a body of unknown length: %v", err)
	}
	s.Leave()
	expectNothingUsed(t, b)
}

func TestABodyThatEndsEarlyIsAnError(t *testing.T) {
	var nobody *Share
	broken := io.MultiReader(bytes.NewReader(make([]byte, 10)), errReader{})
	if _, err := nobody.ReadAll(broken, 20); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestDearAnswersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(large, large)
		s, err := b.Enter(Dear, "a")
		if err != nil {
			t.Fatal(err)
		}
		var turns []func()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			done, err := s.Dear(ctx)
			cancel()
			if err != nil {
				if fault.CodeOf(err) != fault.DeadlineExceeded {
					t.Errorf("refused with %v", err)
				}
				break
			}
			turns = append(turns, done)
		}
		turns[0]()
		if done, err := s.Dear(t.Context()); err != nil {
			t.Errorf("a turn ended, and the next one is refused: %v", err)
		} else {
			done()
		}
	})
}
