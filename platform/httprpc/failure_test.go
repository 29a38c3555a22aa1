package httprpc_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"oms/platform/fault"
	"oms/platform/rpc"
)

// In hundreds of connections that are cut anywhere - in the handshake, in the request, between request and answer, in the
// answer - what must not be repeated is executed once at most, and what the caller is told about it is true.
func TestWhatMustNotBeRepeatedIsExecutedOnceAtMostHoweverConnectionsFail(t *testing.T) {
	cutAnywhere(t, once, func(t *testing.T, w *world, id string, err error) {
		executed := w.service.times(id)
		failure := fault.From(err)
		switch {
		case executed > 1:
			t.Errorf("%s was executed %d times", id, executed)
		case err == nil && executed != 1:
			t.Errorf("%s succeeded and was executed %d times", id, executed)
		case err != nil && failure.Code != fault.Unavailable:
			t.Errorf("%s: %v", id, err)
		case err != nil && executed > 0 && !strings.Contains(failure.Detail, "it is not known whether lab.Once was executed"):
			t.Errorf("%s was executed, and its caller was told: %v", id, err)
		}
	})
}

func TestWhatMayBeRepeatedIsRepeatedWhenConnectionsFail(t *testing.T) {
	succeeded, repeated := 0, 0
	cutAnywhere(t, again, func(t *testing.T, w *world, id string, err error) {
		executed := w.service.times(id)
		if err == nil {
			succeeded++
		}
		if executed > 1 {
			repeated++
		}
		if executed > 3 || err == nil && executed == 0 || err != nil && fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("%s: %v, executed %d times", id, err, executed)
		}
	})
	t.Logf("%d calls succeeded, %d were executed more than once", succeeded, repeated)
	if succeeded < 100 || repeated < 20 {
		t.Error("too few calls were repeated, or too few of them with success")
	}
}

// cutAnywhere calls op hundreds of times through a network that cuts every connection after some bytes.
func cutAnywhere(t *testing.T, op *rpc.Op[lab, sample, sample], judge func(t *testing.T, w *world, id string, err error)) {
	const workers, calls, floor = 8, 100, 200
	w := newWorld(t).start()
	relay := w.relay(func() (up, down int64) {
		if rand.N(2) == 0 {
			return 1<<60 - 1, rand.N(int64(4000))
		}
		return rand.N(int64(4000)), 1<<60 - 1
	})
	conn := w.connTo("gateway", relay.url, w.transport("gateway"))
	var all sync.WaitGroup
	var failed, unknown atomic.Int64
	var ended [workers]map[string]error
	for worker := range workers {
		ended[worker] = map[string]error{}
		all.Go(func() {
			for i := range calls {
				id := fmt.Sprintf("%d/%d", worker, i)
				_, err := op.Call(t.Context(), conn, sample{ID: id, Text: strings.Repeat("a", rand.N(600))})
				if err != nil {
					failed.Add(1)
					if strings.Contains(err.Error(), "it is not known") {
						unknown.Add(1)
					}
				}
				ended[worker][id] = err
			}
		})
	}
	all.Wait()
	w.server.Close() // what was sent may arrive late
	for _, calls := range ended {
		for id, err := range calls {
			judge(t, w, id, err)
		}
	}
	t.Logf("%d connections were cut; %d of %d calls failed, of %d of them nobody knows the outcome", relay.cuts.Load(), failed.Load(), workers*calls, unknown.Load())
	if relay.cuts.Load() < floor {
		t.Errorf("only %d connections were cut, want %d", relay.cuts.Load(), floor)
	}
}
