package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	stshost "oms/modules/sts/host"
	"oms/modules/system"
	"oms/platform/lifecycle"
	"oms/platform/limits"
	"oms/platform/observe"
	"oms/platform/shell"
)

// modulesFlag is the flag of serve that sets server.modules.
const modulesFlag = "modules"

func (a *app) serve() *cobra.Command {
	var options system.Options
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the system until SIGTERM", Args: noArguments, Example: "app serve\napp serve --address localhost:8443\napp serve --modules order,inventory",
		RunE: a.configured(func(cmd *cobra.Command, loaded *system.Loaded, _ []string) error {
			return serve(cmd.Context(), loaded.Config, options, a.given(), cmd.ErrOrStderr())
		}),
	}
	cmd.Flags().String(modulesFlag, "", "what this process hosts: all, or any of "+strings.Join(moduleNames(), ","))
	cmd.Flags().StringVar(&options.JoinTokenFile, "join-token-file", "", "a file with the join tokens of these modules, a line each (default: where an STS that shares the data directory leaves them)")
	must(cmd.RegisterFlagCompletionFunc(modulesFlag, among(append(moduleNames(), "all")...)))
	return cmd
}

// serve runs what this process hosts until ctx ends. given are the flags that commands beside it need too.
func serve(ctx context.Context, c system.Config, o system.Options, given string, stderr io.Writer) error {
	limitMemory(c)
	limits.AddThreads(os.Getenv("GOMAXPROCS"))
	sink := observe.NewSink(stderr, c.Log.Format)
	defer flush(sink)
	log := observe.NewLog(sink, c.Log.Level, c.Log.Format)
	lifecycle.Outlive(log)
	o.Collectors = append(o.Collectors, sink.Collector())
	err := run(ctx, c, o, given, log, sink)
	if err == nil || c.Log.Format != "json" {
		return err
	}
	for line := range lines(err) { // programs read the log, and nothing beside it
		log.Error(line)
	}
	return logged{err}
}

// logged is an error that the log has told already.
type logged struct{ error }

func run(ctx context.Context, c system.Config, o system.Options, given string, log *slog.Logger, people io.Writer) error {
	if err := c.TryListeners(ctx); err != nil {
		return err
	}
	system, err := system.Open(ctx, c, o, log)
	if err != nil {
		return err
	}
	addresses := map[string]net.Addr{}
	parts, err := system.Parts(func(name string, address net.Addr) { addresses[name] = address })
	if err != nil {
		return err
	}
	parts = append(parts, lifecycle.Part{Name: "announcement", Start: func(ctx context.Context) error {
		if c.Log.Format != "json" { // which programs read
			announce(ctx, people, c, given, system, addresses)
		}
		return nil
	}})
	return lifecycle.Run(ctx, log, c.Server.ShutdownTimeout, parts...)
}

// flush waits a moment for whoever reads the log to take its last lines.
func flush(sink *observe.Sink) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	sink.Close(ctx)
}

// besides is what a process takes beside its requests' budget, in bytes: itself, its databases' pages, passwords that are
// being hashed, and what it keeps of keys and tokens.
const besides = 144 << 20

// limitMemory has the garbage collector work harder before the process grows beyond what it should take: by itself it lets
// the heap double before it looks. GOMEMLIMIT in the environment wins.
func limitMemory(c system.Config) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(c.Server.Limits.Memory) + besides)
	}
}

// announce tells people at the terminal where to go.
func announce(ctx context.Context, to io.Writer, c system.Config, given string, s *system.System, addresses map[string]net.Addr) {
	var text strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }
	say("")
	if public := addresses["public"]; public != nil {
		say("  The order system is ready: open %s (listening on %v).", c.PublicURL(), public)
	} else {
		say("  Ready: %s. The public door is where the gateway runs.", strings.Join(c.Listeners(), ", "))
	}
	say("  Health and metrics: http://%v/readyz /livez /metrics", addresses["admin"])
	say("")
	for _, line := range s.Reached {
		say("    %s", line)
	}
	if addresses["public"] != nil {
		curl := "curl"
		if c.Server.TLS.CertFile == "" {
			curl += " --cacert " + shell.Quote(system.RootCertificate(c))
		}
		say("")
		say("  Try:  %s %s", curl, shell.Quote(c.PublicURL()+"/inventory"))
	}
	if c.Demo.Enabled && c.Hosts("sts") {
		var names []string
		for _, user := range stshost.DemoUsers() {
			names = append(names, user.Name)
		}
		say("")
		say("  Demo users: %s (password NAME-demo). For curl: app token --user alice%s", strings.Join(names, ", "), given)
	}
	for _, lack := range s.Lacks(ctx) {
		say("")
		say("  %s Next:  app %s%s", lack.Says, lack.Command, given)
	}
	say("")
	_, _ = io.WriteString(to, text.String())
}
