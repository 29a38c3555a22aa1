package observe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/fault"
	"oms/platform/identity"
	"oms/platform/observe"
	"oms/platform/rpc"
)

// admin is an admin listener with a recorder behind it.
func admin(t *testing.T, level string, checks ...observe.Check) (recorder *observe.Recorder, log *bytes.Buffer, get func(path string) (int, string)) {
	t.Helper()
	log = &bytes.Buffer{}
	registry := prometheus.NewRegistry()
	recorder, err := observe.NewRecorder(observe.NewLog(log, level, "text"), registry)
	if err != nil {
		t.Fatal(err)
	}
	registry.MustRegister(observe.NewSampled("sampled", "A sample.", "state", func() (map[string]float64, error) {
		return map[string]float64{"waiting": 3}, nil
	}))
	server := httptest.NewServer(observe.Admin(registry, checks, func() []string { return []string{"order  in process"} }))
	t.Cleanup(server.Close)
	return recorder, log, func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
}

// A site that a browser here visits can have its own name lead here (DNS rebinding): the browser then sends that name.
func TestTheAdminListenerAnswersToLoopbackNamesAlone(t *testing.T) {
	handler := observe.Admin(prometheus.NewRegistry(), nil, nil)
	for host, want := range map[string]int{
		"localhost:9190": 200, "LOCALHOST": 200, "127.0.0.1:9190": 200, "127.0.0.2": 200, "[::1]:9190": 200, "[::1]": 200, "": 200,
		"evil.example:9190": 421, "localhost.evil.example": 421, "evil.example": 421, "192.0.2.1:9190": 421, "0.0.0.0:9190": 421,
		"127.0.0.1.evil.example:9190": 421, "[2001:db8::1]:9190": 421, "localhost:9190:9190": 421, "[": 421,
	} {
		for _, path := range []string{"/livez", "/readyz", "/metrics"} {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Host = host
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, request)
			if answer.Code != want || want == 421 && !strings.Contains(answer.Body.String(), "answers to localhost") {
				t.Errorf("%s of %q: %d, %s", path, host, answer.Code, answer.Body)
			}
		}
	}
}

func TestCallsAndWhatWasDecidedAreCounted(t *testing.T) {
	recorder, log, get := admin(t, "info")
	ctx := context.Background()
	recorder.Observe(ctx, rpc.Record{Executed: true, Reason: rpc.Allowed, Operation: "order.Get", Caller: "gateway", Duration: time.Millisecond})
	recorder.Observe(ctx, rpc.Record{Executed: true, Reason: rpc.Allowed, Operation: "order.Get", Caller: "gateway", Err: fault.New(fault.NotFound, "none")})
	recorder.Observe(ctx, rpc.Record{Executed: true, Reason: rpc.Allowed, Operation: "order.Get", Caller: "gateway", Err: errors.New("a defect")})
	recorder.Observe(ctx, rpc.Record{Module: "order", Operation: "order.Get", Caller: "gateway", Reason: rpc.Allowed})
	recorder.Observe(ctx, rpc.Record{Module: "order", Operation: "order.Update", Subject: "bob", Scopes: identity.NewScopes("add_order"), Reason: rpc.ScopeMissing})
	recorder.Observe(ctx, rpc.Record{Module: "order", Operation: "made/up", Reason: rpc.UnknownOperation})
	_, metrics := get("/metrics")
	for _, want := range []string{
		`oms_operation_calls_total{caller="gateway",code="ok",operation="order.Get"} 1`,
		`oms_operation_calls_total{caller="gateway",code="not_found",operation="order.Get"} 1`,
		`oms_operation_calls_total{caller="gateway",code="internal",operation="order.Get"} 1`,
		`oms_operation_duration_seconds_count{operation="order.Get"} 3`,
		`oms_decisions_total{module="order",operation="order.Update",reason="scope_missing"} 1`,
		`oms_decisions_total{module="order",operation="unknown",reason="unknown_operation"} 1`,
		`sampled{state="waiting"} 3`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(metrics, "made/up") {
		t.Error("a caller can choose a label")
	}
	if text := log.String(); !strings.Contains(text, "a defect") || !strings.Contains(text, "subject=bob") || strings.Contains(text, "reason=allowed") || strings.Contains(text, "code=not_found") {
		t.Errorf("log %s", text)
	}
}

func TestReadinessIsThatOfWhatIsHosted(t *testing.T) {
	broken := errors.New("the disk is away")
	var failing error
	_, _, get := admin(t, "info", observe.Check{Name: "order database", Ready: func(context.Context) error { return failing }})
	if status, text := get("/readyz?verbose"); status != http.StatusOK || !strings.Contains(text, "order  in process") {
		t.Errorf("ready: %d %s", status, text)
	}
	failing = broken
	if status, text := get("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(text, "order database: the disk is away") {
		t.Errorf("not ready: %d %s", status, text)
	}
	if status, _ := get("/livez"); status != http.StatusOK {
		t.Errorf("alive: %d", status)
	}
}

func TestTheLogHasTheLevelAndTheFormatThatWereAskedFor(t *testing.T) {
	var text, lines bytes.Buffer
	observe.NewLog(&text, "warn", "text").Info("unheard")
	observe.NewLog(&lines, "debug", "json").Debug("heard", "after", 1500*time.Millisecond)
	observe.NewLog(&text, "nonsense", "nonsense").Debug("unheard")
	if text.Len() > 0 || !strings.HasPrefix(lines.String(), `{"time":`) {
		t.Errorf("text %q, json %q", text.String(), lines.String())
	}
}
