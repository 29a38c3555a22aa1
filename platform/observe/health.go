package observe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"oms/platform/config"
)

// Check tells whether something that this process hosts can serve. It never asks another process.
type Check struct {
	Name  string
	Ready func(ctx context.Context) error
	// Lacks is what it cannot do while it serves the rest, such as storing something: no reason to send it nothing any more. nil
	// lacks nothing.
	Lacks func() error
}

// checkTimeout is how long a readiness check may take: a database that needs longer does not serve.
const checkTimeout = 2 * time.Second

// Admin is the handler of the admin listener: /livez, /readyz and /metrics. more gives what /readyz?verbose shows besides, in
// lines, such as how every module is reached from here.
func Admin(metrics prometheus.Gatherer, checks []Check, more func() []string) http.Handler {
	admin := http.NewServeMux()
	admin.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintln(w, "ok")
	})
	admin.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		status, lines := ready(ctx, checks)
		if r.URL.Query().Has("verbose") {
			lines = append(lines, more()...)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintln(w, strings.Join(lines, "\n"))
	})
	admin.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return byLoopbackName(admin)
}

// byLoopbackName refuses requests for other names than those of this machine for itself. A site that a browser on this
// machine visits can have its own name lead here (DNS rebinding), and would read what nobody else may.
func byLoopbackName(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "" && !config.Loopback(strings.Trim(host, "[]")) { // HTTP/1.0 has none, and browsers always
			http.Error(w, "The admin listener answers to localhost, 127.0.0.1 and [::1] alone: use one of them in the URL.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ready runs the checks. The lines name what is not ready, and why; the listener is on loopback.
func ready(ctx context.Context, checks []Check) (status int, lines []string) {
	status, lines = http.StatusOK, []string{"ok"}
	for _, check := range checks {
		if err := check.Ready(ctx); err != nil {
			if status == http.StatusOK {
				status, lines = http.StatusServiceUnavailable, []string{"not ready"}
			}
			lines = append(lines, fmt.Sprintf("%s: %v", check.Name, err))
		} else if check.Lacks != nil {
			if lacks := check.Lacks(); lacks != nil {
				lines = append(lines, fmt.Sprintf("%s: %v", check.Name, lacks))
			}
		}
	}
	return status, lines
}
