package httprpc_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/rpctest"
)

func TestBothSidesTellTheProfileTheSame(t *testing.T) {
	w := newWorld(t)
	var attached rpc.Call
	w.profile.OnAttach = func(c *rpc.Call) error { attached = *c; return nil }
	w.start()
	if _, err := once.Call(t.Context(), w.conn("gateway"), sample{ID: "<ü>"}); err != nil {
		t.Fatal(err)
	}
	got := w.profile.Verified()[0]
	if got.Operation != "lab.Once" || got.Caller != "gateway" || got.Callee != "lab" {
		t.Errorf("%+v", got)
	}
	if got.Digest != attached.Digest || got.Digest != sha256.Sum256([]byte("{\"id\":\"<ü>\",\"text\":\"\"}\n")) {
		t.Error("the digest is not that of the body")
	}
	if attached.Operation != got.Operation || attached.Caller != got.Caller || attached.Callee != got.Callee {
		t.Errorf("%+v", attached)
	}
}

func TestACertificateAloneIsAskedForWhereTheRowSaysSo(t *testing.T) {
	for _, workload := range []string{"gateway", rpc.Anonymous} {
		w := newWorld(t).start()
		if _, err := join.Call(rpctest.As("alice"), w.conn(workload), sample{ID: "1"}); err != nil {
			t.Errorf("%s: %v", workload, err)
		}
		if w.profile.Attached() != 0 || len(w.profile.Verified()) != 0 {
			t.Error("the profile was asked")
		}
		if d := w.observer.Decided()[0]; d.Subject != "" || d.Caller != workload || d.Transaction == "" {
			t.Errorf("record %+v", d)
		}
	}
}

func TestAProofThatCannotBeMadeIsToldAsItIs(t *testing.T) {
	w := newWorld(t)
	w.profile.OnAttach = func(*rpc.Call) error {
		return fault.Retryable(7*time.Second, "The STS is away.").Because(errors.New("hunter2"))
	}
	w.start()
	_, err := again.Call(t.Context(), w.conn("gateway"), sample{ID: "1"})
	failure := fault.From(err)
	if failure.Detail != "The STS is away." || failure.RetryAfter != 7*time.Second || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if w.handshakes.Load() != 0 || w.profile.Attached() != 1 {
		t.Error("something was sent, or tried again")
	}
}

func TestARefusedProofIsRenewedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		refusals int64 // how many proofs are refused
		renew    bool
		attempts int
		ok       bool
	}{
		"renewed": {1, true, 2, true}, "refused again": {9, true, 2, false}, "nothing to renew": {9, false, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var refused atomic.Int64
			w.profile.OnVerify = func(*rpc.Call) error {
				if refused.Add(1) <= c.refusals {
					return rpc.NotProven("the proof is too old")
				}
				return nil
			}
			w.profile.OnRefused = func(refusal *fault.Error) bool {
				if refusal.Detail != "the proof is too old" {
					t.Errorf("the profile was told %v", refusal)
				}
				return c.renew
			}
			w.start()
			_, err := once.Call(t.Context(), w.conn("gateway"), sample{ID: "1"})
			if executed := w.service.times("1"); (err == nil) != c.ok || (executed == 1) != c.ok || w.profile.Attached() != c.attempts {
				t.Errorf("%v, executed %d times, %d proofs", err, executed, w.profile.Attached())
			}
			if failure := fault.From(err); !c.ok && (failure.Code != fault.Unavailable || failure.RetryAfter != 2*time.Second ||
				failure.Type != "" || failure.Detail != "The lab module does not let this one in at the moment.") {
				t.Error(err)
			}
			if len(w.log.Lines("not accept the proof")) == 0 {
				t.Error("nothing was logged")
			}
		})
	}
}

func TestACertificateThatDoesNotHoldAnyMoreIsNotTheUsersFault(t *testing.T) {
	w := newWorld(t).start()
	for _, op := range []*rpc.Op[lab, sample, sample]{once, join} {
		_, err := op.Call(t.Context(), w.conn("removed"), sample{ID: "1"})
		if failure := fault.From(err); failure.Code != fault.Unavailable || failure.Detail != "The lab module does not let this one in at the moment." {
			t.Error(err)
		}
	}
	if len(w.log.Lines("removed is not part of the deployment any more")) != 2 {
		t.Error("the callee's log does not have the reason")
	}
}

// A service that was refused elsewhere has been executed: its caller must not take that for a refusal of its own proof.
func TestARefusalBehindTheCalleeIsNotARefusalOfTheCall(t *testing.T) {
	w := newWorld(t)
	w.service.do = func(context.Context, sample) (sample, error) { return sample{}, rpc.NotProven("elsewhere") }
	w.profile.OnRefused = func(*fault.Error) bool { return true }
	w.start()
	_, err := once.Call(t.Context(), w.conn("gateway"), sample{ID: "1"})
	if failure := fault.From(err); failure.Code != fault.Unauthenticated || failure.Type != "" || w.service.times("1") != 1 {
		t.Errorf("%v, executed %d times", err, w.service.times("1"))
	}
}

func TestEveryAttemptHasAProofOfItsOwn(t *testing.T) {
	w := newWorld(t)
	url, requests := w.answering(answer(502, "", "Content-Type: text/html"))
	_, _ = again.Call(t.Context(), w.connTo("gateway", url, w.transport("gateway")), sample{})
	if requests.Load() != 3 || w.profile.Attached() != 3 {
		t.Errorf("%d requests with %d proofs", requests.Load(), w.profile.Attached())
	}
}

func TestTheTransactionTravelsInEveryAttempt(t *testing.T) {
	w := newWorld(t)
	var spans []string
	w.wrap = func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
			spans = append(spans, r.Header.Get("Traceparent"))
			inner.ServeHTTP(to, r)
		})
	}
	w.service.do = func(ctx context.Context, _ sample) (sample, error) {
		return sample{Text: identity.From(ctx).Transaction}, nil
	}
	w.start()
	conn := w.conn("gateway")
	for range 2 {
		if got, err := once.Call(rpctest.As("alice"), conn, sample{}); err != nil || got.Text != trace {
			t.Errorf("%q %v", got.Text, err)
		}
	}
	if len(spans) != 2 || spans[0] == spans[1] || len(spans[0]) != 55 {
		t.Errorf("spans %q", spans)
	}
	for _, odd := range []string{"", "short", strings.ToUpper(trace), strings.Repeat("0", 32)} {
		ctx := identity.With(t.Context(), identity.Principal{Transaction: odd})
		if got, err := once.Call(ctx, conn, sample{}); err != nil || got.Text != "" {
			t.Errorf("%q arrived as %q, %v", odd, got.Text, err)
		}
	}
}
