package peer

import (
	"strconv"
	"testing"
	"time"
)

func TestReplaysAreRememberedLongEnoughAndNotForEver(t *testing.T) {
	r, now := newReplays(time.Minute, 3), time.Unix(1_000_000, 0)
	first := func(id string, want, wantFull bool) {
		t.Helper()
		if got, full := r.first("gateway", id, now); got != want || full != wantFull {
			t.Errorf("%s: first %v, full %v", id, got, full)
		}
	}
	first("a", true, false)
	first("a", false, false)
	now = now.Add(59 * time.Second)
	first("b", true, false)
	now = now.Add(59 * time.Second) // b is not yet a minute old
	first("b", false, false)
	now = now.Add(2 * time.Minute)
	first("a", true, false)
	for i := range 2 {
		first(strconv.Itoa(i), true, false)
	}
	first("one too many", false, true)
	first("a", false, false)
	if g := r.workloads["gateway"]; len(g.now)+len(g.old) > 6 {
		t.Errorf("%d are remembered", len(g.now)+len(g.old))
	}
	if got, full := r.first("order", "a", now); !got || full {
		t.Errorf("one workload fills the memory of another: %v %v", got, full)
	}
}
