package systemtest

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"oms/modules"
	"oms/modules/system"
)

// withoutRoom wants more to stay free than any disk has.
func withoutRoom(c *system.Config) { c.Database.MinFree = 1 << 60 }

// On a disk that is nearly full nothing is added, and whoever is there already reads and cancels.
func TestOnANearlyFullDiskNothingIsAdded(t *testing.T) {
	for shape, start := range map[string]func(testing.TB, string, func(*system.Config)) *deployment{
		"in one process": func(t testing.TB, dir string, change func(*system.Config)) *deployment { return openOn(t, dir, change) },
		"split": func(t testing.TB, dir string, change func(*system.Config)) *deployment {
			return openSplit(t, func(c *system.Config) { c.DataDir = dir }, change)
		},
	} {
		t.Run(shape, func(t *testing.T) {
			dir := seededDirectory(t)
			t.Run("with room", func(t *testing.T) {
				d := start(t, dir, func(*system.Config) {})
				d.placeOrder("before", d.token("alice"))
			})
			d := start(t, dir, withoutRoom)
			for what, got := range map[string]Reply{
				"an order":      d.do("POST", "/order", bearer(d.token("alice")), body(orderBody("after"))),
				"an update":     d.do("PUT", "/order/before", bearer(d.token("admin")), body(`{"name":"y","items":[{"category":"electronics","code":"SOWH1000XM4","qty":2}]}`)),
				"an adjustment": d.do("POST", "/inventory/electronics/SOWH1000XM4/adjustments", bearer(d.token("admin")), body(`{"delta":1,"reason":"found"}`)),
			} {
				p := d.expectProblem(got, 503, "unavailable")
				if got.Header.Get("Retry-After") == "" || !strings.Contains(p.Detail, "the disk is nearly full") {
					t.Errorf("%s: Retry-After %q, %q", what, got.Header.Get("Retry-After"), p.Detail)
				}
			}
			d.expect(d.do("GET", "/order/before"), 200)
			d.expect(d.do("GET", "/order", bearer(d.token("alice"))), 200)
			d.expect(d.do("POST", "/order", bearer(d.token("alice")), body(orderBody("before"))), 201) // what was placed before
			d.expect(d.do("DELETE", "/order/before", bearer(d.token("admin"))), 200)
			if left := d.available(headphones); left != 75 {
				t.Errorf("%d are available after the cancellation", left)
			}
		})
	}
}

func TestTheAdminListenerSaysHowMuchRoomThereIs(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*system.Config)
		want   bool
	}{"with room": {func(c *system.Config) { c.Database.MinFree = 0 }, false}, "without": {withoutRoom, true}} {
		t.Run(name, func(t *testing.T) {
			config := system.Defaults(modules.All)
			config.DataDir, config.Server.Address, config.Server.AdminAddress, config.Demo.Enabled = t.TempDir(), "localhost:0", "localhost:0", false
			c.change(&config)
			opened, err := system.Open(t.Context(), config, system.Options{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			ask := func(path string) string {
				answer := httptest.NewRecorder()
				request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
				request.Host = "localhost"
				opened.Admin.ServeHTTP(answer, request)
				return answer.Body.String()
			}
			verbose := ask("/readyz?verbose")
			if !strings.Contains(verbose, "order database: ") || !strings.Contains(verbose, " MiB free on its disk") ||
				strings.Contains(verbose, "nothing is added below 1073741824 GiB (database.min_free)") != c.want {
				t.Errorf("/readyz?verbose says %s", verbose)
			}
			if metrics := ask("/metrics"); !strings.Contains(metrics, `oms_database_disk_free_bytes{module="order"} `) {
				t.Error("the metric is missing")
			}
			parts, err := opened.Parts(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := parts[0].Stop(t.Context()); err != nil { // the databases
				t.Error(err)
			}
		})
	}
}
