package gateway

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/fault"
	"oms/platform/limits"
	"oms/platform/module"
	"oms/platform/observe"
	"oms/platform/observe/observetest"
	"oms/platform/trust"
)

// pagesOf serves a gateway with this page, and gives what it logs.
func pagesOf(t *testing.T, page http.HandlerFunc) (server *httptest.Server, log *observetest.Log) {
	t.Helper()
	return serverOf(t, map[string]http.HandlerFunc{"/oauth2/x": page})
}

// serverOf serves a gateway with pages by their paths.
func serverOf(t *testing.T, pages map[string]http.HandlerFunc) (server *httptest.Server, log *observetest.Log) {
	t.Helper()
	log = &observetest.Log{}
	server = httptest.NewServer(handlerOf(t, pages, log))
	t.Cleanup(server.Close)
	return server, log
}

// nobody is where everybody is a stranger.
type nobody struct{}

func (nobody) User(context.Context, string, string) (trust.Issued, error) { return trust.Issued{}, nil }

func handlerOf(t *testing.T, pages map[string]http.HandlerFunc, log io.Writer) http.Handler {
	t.Helper()
	return handlerWith(t, limits.NewBudget(1<<30, 1000), pages, log)
}

func handlerWith(t *testing.T, budget *limits.Budget, pages map[string]http.HandlerFunc, log io.Writer) http.Handler {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	recorder, err := observe.NewRecorder(logger, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	var mounted []Page
	for path, page := range pages {
		mounted = append(mounted, Page{module.Page{Method: http.MethodGet, Path: path}, Local(page)})
	}
	handler, _, err := New(Options{Pages: mounted, Users: nobody{}, Rates: limits.NewRates(limits.RateSettings{}, time.Now), Budget: budget, Observer: recorder, Now: time.Now, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func get(t *testing.T, url string) (*http.Response, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, string(text), err
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	server, log := pagesOf(t, func(http.ResponseWriter, *http.Request) { panic("the secret cause") })
	for range 2 { // the second one over the same connection
		answer, text, err := get(t, server.URL+"/oauth2/x")
		if err != nil {
			t.Fatal(err)
		}
		var p fault.Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil || answer.StatusCode != http.StatusInternalServerError || answer.Close || p.Code != fault.Internal || p.TraceID == "" {
			t.Errorf("%d %s %v", answer.StatusCode, text, err)
		}
		if strings.Contains(text, "secret") || strings.Contains(text, ".go:") {
			t.Errorf("the answer tells the cause: %s", text)
		}
		if !strings.Contains(log.String(), p.TraceID) {
			t.Error("the log does not have the trace id")
		}
	}
	if !strings.Contains(log.String(), "the secret cause") || !strings.Contains(log.String(), "recover_test.go") {
		t.Errorf("the log has no cause or no stack: %s", log)
	}
}

func TestAPanicHalfWayCutsTheAnswerOff(t *testing.T) {
	for name, cause := range map[string]any{"a defect": "x", "on purpose": http.ErrAbortHandler} {
		server, log := pagesOf(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			panic(cause)
		})
		if _, text, err := get(t, server.URL+"/oauth2/x"); err == nil {
			t.Errorf("%s: half an answer passes for a whole one: %q", name, text)
		}
		if logged := strings.Contains(log.String(), "stack="); logged != (name == "a defect") {
			t.Errorf("%s: %s", name, log)
		}
	}
}

func TestUnknownPagesAreProblems(t *testing.T) {
	server, _ := serverOf(t, map[string]http.HandlerFunc{
		"/oauth2/known": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") },
		"/oauth2/own": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<p>own")
		},
	})
	for path, want := range map[string]string{
		"/oauth2/known": "200 page", "/oauth2/own": "404 <p>own", "/oauth2/none": `404 {"type"`, "/oauth2/known/": `404 {"type"`, "/oauth2": `404 {"type"`, "/": `404 {"type"`,
	} {
		answer, text, err := get(t, server.URL+path)
		if err != nil || !strings.HasPrefix(answer.Status[:4]+text, want) {
			t.Errorf("%s: %s %s %v", path, answer.Status, text, err)
		}
	}
}
