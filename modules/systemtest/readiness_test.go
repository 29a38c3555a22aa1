package systemtest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"oms/modules"
	"oms/modules/system"
)

// Ready means that every listener is open: an early request would be refused, and a late one cut off.
func TestReadyFromTheLastStartToTheFirstStop(t *testing.T) {
	t.Parallel()
	c := system.Defaults(modules.All)
	c.DataDir, c.Demo.Enabled = t.TempDir(), false
	c.Server.Address, c.Server.AdminAddress = "localhost:0", "localhost:0"
	log := slog.New(slog.DiscardHandler)
	system, err := system.Open(t.Context(), c, system.Options{}, log)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := system.Parts(func(string, net.Addr) {})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when string, want int) {
		t.Helper()
		answer := httptest.NewRecorder()
		system.Admin.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/readyz", nil))
		if answer.Code != want {
			t.Errorf("%s: /readyz is %d %q, not %d", when, answer.Code, answer.Body, want)
		}
	}

	expect("before the start", http.StatusServiceUnavailable)
	for i, part := range parts {
		if part.Start == nil {
			continue
		}
		if err := part.Start(t.Context()); err != nil {
			t.Fatalf("%s: %v", part.Name, err)
		}
		if i < len(parts)-1 {
			expect("after the start of the "+part.Name, http.StatusServiceUnavailable)
		}
	}
	expect("after the start of everything", http.StatusOK)
	for _, part := range slices.Backward(parts) {
		if part.Stop == nil {
			continue
		}
		if err := part.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Fatalf("%s: %v", part.Name, err)
		}
		expect("after the stop of the "+part.Name, http.StatusServiceUnavailable)
	}
}
