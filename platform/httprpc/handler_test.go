package httprpc_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/rpc"
	"oms/platform/trust/trusttest"
)

const trace = "0123456789abcdef0123456789abcdef"

// raw sends a request that no Conn would send, as the workload, and gives what is answered.
func (w *world) raw(workload, method, path, body string, change func(http.Header)) (*http.Response, fault.Problem, string) {
	w.t.Helper()
	request, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Rpc-Version", "1")
	request.Header.Set("Rpc-Timeout", "60000")
	request.Header.Set(trusttest.Header, `{"Caller":"gateway"}`)
	request.Header.Set("Traceparent", "00-"+trace+"-0123456789abcdef-01")
	if change != nil {
		change(request.Header)
	}
	answer, err := w.transport(workload).RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var problem fault.Problem
	_ = json.Unmarshal(text, &problem)
	return answer, problem, string(text)
}

func TestARequestThatIsNotACallIsAProblem(t *testing.T) {
	set := func(name, value string) func(http.Header) {
		return func(h http.Header) { h.Set(name, value) }
	}
	large := `{"id":"` + strings.Repeat("a", 4<<20) + `"}`
	for name, c := range map[string]struct {
		workload, method, path, body string
		change                       func(http.Header)
		code                         fault.Code
		detail                       string
	}{
		"good":                       {"gateway", "POST", "/rpc/lab.Once", `{"id":"1"}`, nil, "", ""},
		"unknown and double members": {"gateway", "POST", "/rpc/lab.Once", `{"id":"1","new":[{}],"id":"2"}`, nil, "", ""},
		"another version":            {"gateway", "POST", "/rpc/lab.Once", `{}`, set("Rpc-Version", "2"), fault.Unimplemented, `the call is in version "2"`},
		"no version":                 {"gateway", "POST", "/rpc/lab.Once", `{}`, func(h http.Header) { h.Del("Rpc-Version") }, fault.Unimplemented, `the call is in version ""`},
		"no timeout":                 {"gateway", "POST", "/rpc/lab.Once", `{}`, func(h http.Header) { h.Del("Rpc-Timeout") }, fault.Malformed, "Rpc-Timeout"},
		"no time":                    {"gateway", "POST", "/rpc/lab.Once", `{}`, set("Rpc-Timeout", "0"), fault.Malformed, "Rpc-Timeout"},
		"negative time":              {"gateway", "POST", "/rpc/lab.Once", `{}`, set("Rpc-Timeout", "-5"), fault.Malformed, "Rpc-Timeout"},
		"time with a unit":           {"gateway", "POST", "/rpc/lab.Once", `{}`, set("Rpc-Timeout", "5s"), fault.Malformed, "Rpc-Timeout"},
		"time that overflows":        {"gateway", "POST", "/rpc/lab.Once", `{}`, set("Rpc-Timeout", "18446744073709551616"), fault.Malformed, "Rpc-Timeout"},
		"long time":                  {"gateway", "POST", "/rpc/lab.Once", `{"id":"1"}`, set("Rpc-Timeout", "999999999"), "", ""},
		"another method":             {"gateway", "GET", "/rpc/lab.Once", ``, nil, fault.MethodNotAllowed, "POST"},
		"another path":               {"gateway", "POST", "/", `{}`, nil, fault.NotFound, "/rpc/"},
		"another path, unproven":     {"gateway", "POST", "/", `{}`, func(h http.Header) { h.Del(trusttest.Header) }, fault.Unauthenticated, "no proof"},
		"unknown operation":          {"gateway", "POST", "/rpc/lab.Nothing", `{}`, nil, fault.Unimplemented, `"lab.Nothing"`},
		"unknown, unproven":          {"gateway", "POST", "/rpc/lab.Nothing", `{}`, func(h http.Header) { h.Del(trusttest.Header) }, fault.Unauthenticated, "no proof"},
		"another workload's proof":   {"order", "POST", "/rpc/lab.Once", `{}`, nil, fault.Unauthenticated, "the proof was issued to gateway, and the certificate is that of order"},
		"no JSON":                    {"gateway", "POST", "/rpc/lab.Once", `id=1`, nil, fault.Malformed, "not a request of lab.Once"},
		"more than JSON":             {"gateway", "POST", "/rpc/lab.Once", `{}{}`, nil, fault.Malformed, "not a request of lab.Once"},
		"another type":               {"gateway", "POST", "/rpc/lab.Once", `{"id":1}`, nil, fault.Malformed, "not a request of lab.Once"},
		"nothing":                    {"gateway", "POST", "/rpc/lab.Once", ``, nil, fault.Malformed, "not a request of lab.Once"},
		"not UTF-8":                  {"gateway", "POST", "/rpc/lab.Once", "{\"id\":\"\xff\"}", nil, fault.Malformed, "UTF-8"},
		"too large":                  {"gateway", "POST", "/rpc/lab.Once", large, nil, fault.TooLarge, "4 MiB"},
		"removed workload":           {"removed", "POST", "/rpc/lab.Join", `{}`, nil, fault.Unauthenticated, "certificate"},
		"stranger":                   {rpc.Anonymous, "POST", "/rpc/lab.Join", `{"id":"1"}`, nil, "", ""},
		"stranger, too large":        {rpc.Anonymous, "POST", "/rpc/lab.Join", `{"id":"` + strings.Repeat("1", 16<<10) + `"}`, nil, fault.TooLarge, "16 KiB"},
		"stranger elsewhere":         {rpc.Anonymous, "POST", "/rpc/lab.Once", `{}`, nil, fault.PermissionDenied, "stranger may not call lab.Once"},
		"certificate alone":          {"gateway", "POST", "/rpc/lab.Join", `{"id":"1"}`, func(h http.Header) { h.Del(trusttest.Header) }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).start()
			answer, problem, text := w.raw(c.workload, c.method, c.path, c.body, c.change)
			if c.code == "" {
				if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
					t.Errorf("%d %s", answer.StatusCode, text)
				}
				return
			}
			if problem.Code != c.code || answer.StatusCode != c.code.Status() || !strings.Contains(problem.Detail, c.detail) ||
				answer.Header.Get("Content-Type") != "application/problem+json" || problem.Instance != c.path || problem.TraceID != trace {
				t.Errorf("%d %s, want %s", answer.StatusCode, text, c.code)
			}
			if refused := problem.Type == rpc.ProofRefused; refused != (c.code == fault.Unauthenticated) {
				t.Errorf("the type of %s is %q", c.code, problem.Type)
			}
			if len(w.observer.Executed()) != 0 {
				t.Error("the service was called")
			}
		})
	}
}

func TestEveryRefusalOfAProofLeavesARecordAndOneLine(t *testing.T) {
	for name, c := range map[string]struct {
		workload, path string
		want           rpc.Record
	}{
		"certificate": {"removed", "/rpc/lab.Once", rpc.Record{Operation: "lab.Once", Caller: "removed", Proof: "certificate"}},
		"profile":     {"order", "/rpc/lab.Once", rpc.Record{Operation: "lab.Once", Caller: "order", Proof: "test"}},
		"made up":     {"order", "/rpc/made.Up", rpc.Record{Caller: "order", Proof: "test"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).start()
			w.raw(c.workload, "POST", c.path, `{}`, nil)
			records := w.observer.Decided()
			if len(records) != 1 {
				t.Fatalf("records %v", records)
			}
			got, want := records[0], c.want
			if got.Reason != rpc.NotVerified || got.Module != "lab" || got.Transaction != trace || got.Operation != want.Operation || got.Caller != want.Caller || got.Proof != want.Proof {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if logged := w.log.Lines("level=WARN"); len(logged) != 1 || !strings.Contains(logged[0], "reason=") {
				t.Errorf("logged %q", logged)
			}
		})
	}
}

func TestHowACallWasProvenIsInTheRecord(t *testing.T) {
	for _, c := range []struct{ workload, path, proof string }{
		{"gateway", "/rpc/lab.Once", "test"}, {"gateway", "/rpc/lab.Join", "certificate"}, {rpc.Anonymous, "/rpc/lab.Join", "nothing"},
	} {
		w := newWorld(t).start()
		w.raw(c.workload, "POST", c.path, `{}`, nil)
		if d := w.observer.Decided(); len(d) != 1 || d[0].Reason != rpc.Allowed || d[0].Proof != c.proof || d[0].Caller != c.workload {
			t.Errorf("%+v: records %+v", c, d)
		}
	}
}

func TestTheTransactionComesFromTheTrace(t *testing.T) {
	for sent, want := range map[string]string{
		"00-" + trace + "-0123456789abcdef-01":                   trace,
		"00-" + trace + "-0123456789abcdef-00":                   trace,
		"00-" + strings.ToUpper(trace) + "-0123456789abcdef-01":  "",
		"00-" + strings.Repeat("0", 32) + "-0123456789abcdef-01": "",
		"00-" + trace + "-0000000000000000-01":                   "",
		"ff-" + trace + "-0123456789abcdef-01":                   "",
		"00-" + trace + "-0123456789abcdef-01-more":              "",
		"00-" + trace[:31] + "-0123456789abcdef-01":              "",
		trace: "",
		"":    "",
	} {
		w := newWorld(t)
		w.service.do = func(ctx context.Context, _ sample) (sample, error) {
			return sample{Text: identity.From(ctx).Transaction}, nil
		}
		w.start()
		_, _, text := w.raw("gateway", "POST", "/rpc/lab.Once", `{}`, func(h http.Header) {
			h.Set("Traceparent", sent)
			h.Set(trusttest.Header, `{"Caller":"gateway"}`)
		})
		var got sample
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Text != want {
			t.Errorf("%q gave %q, want %q", sent, got.Text, want)
		}
	}
}

// A proof that names a transaction is good for no other.
func TestAProofOfAnotherTransactionIsRefused(t *testing.T) {
	w := newWorld(t).start()
	answer, _, text := w.raw("gateway", "POST", "/rpc/lab.Once", `{}`, func(h http.Header) {
		h.Set("Traceparent", "00-"+trace+"-0123456789abcdef-01")
		h.Set(trusttest.Header, `{"Caller":"gateway","Transaction":"fedcba9876543210fedcba9876543210"}`)
	})
	if answer.StatusCode != http.StatusUnauthorized || !strings.Contains(text, rpc.ProofRefused) {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestAPanicAroundTheServiceIsAnAnswer(t *testing.T) {
	w := newWorld(t)
	w.profile.OnVerify = func(*rpc.Call) error { panic("hunter2") }
	w.start()
	answer, problem, text := w.raw("gateway", "POST", "/rpc/lab.Once", `{}`, nil)
	if answer.StatusCode != http.StatusInternalServerError || problem.Code != fault.Internal || strings.Contains(text, "hunter2") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if len(w.log.Lines("hunter2")) != 1 {
		t.Error("the log does not have the panic")
	}
}

func TestWithoutTLSNobodyIsServed(t *testing.T) {
	w := newWorld(t)
	w.wrap = func(inner http.Handler) http.Handler {
		return http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) { r.TLS = nil; inner.ServeHTTP(to, r) })
	}
	w.start()
	if answer, problem, text := w.raw("gateway", "POST", "/rpc/lab.Join", `{}`, nil); answer.StatusCode != http.StatusUnauthorized || problem.Type != rpc.ProofRefused {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}
