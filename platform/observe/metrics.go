package observe

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/fault"
	"oms/platform/observe/sampled"
	"oms/platform/rpc"
)

// Recorder writes what happens at operations to the log and to the metrics. It is safe for concurrent use.
type Recorder struct {
	log       *slog.Logger
	calls     *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	strangers *sampled.Log // refusals of those who have proven nothing, no user and no workload
	failures  *sampled.Log // what fails for them
}

var _ rpc.Observer = (*Recorder)(nil)

// NewRecorder makes a recorder whose metrics are in registry.
func NewRecorder(log *slog.Logger, registry prometheus.Registerer) (*Recorder, error) {
	r := &Recorder{
		log: log, strangers: sampled.New(log, time.Now), failures: sampled.New(log, time.Now),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oms_operation_calls_total", Help: "Authorised calls of an operation, by caller and by the code of the fault (ok: none).",
		}, []string{"operation", "caller", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "oms_operation_duration_seconds", Help: "How long an operation took where it is hosted.",
			// From a read in memory to the longest timeout of an operation.
			Buckets: []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5},
		}, []string{"operation"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "oms_decisions_total", Help: "Authorization decisions, by the module that decided and by the reason.",
		}, []string{"module", "operation", "reason"}),
	}
	for _, metric := range []prometheus.Collector{r.calls, r.seconds, r.decisions} {
		if err := registry.Register(metric); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Observe records one call: what was decided, and where it was executed, how it ended. Refusals are of interest to people
// who look at the log; of a defect they get the cause too.
func (r *Recorder) Observe(ctx context.Context, hop rpc.Record) {
	if hop.Reason != rpc.Challenged { // by which nothing is decided
		r.decided(ctx, hop)
	}
	if hop.Executed {
		r.executed(ctx, hop)
	}
}

func (r *Recorder) decided(ctx context.Context, hop rpc.Record) {
	operation := hop.Operation
	if hop.Reason == rpc.UnknownOperation {
		operation = "unknown" // a label must not be the caller's to choose
	}
	r.decisions.WithLabelValues(hop.Module, operation, string(hop.Reason)).Inc()
	level, write := slog.LevelDebug, r.log.Log
	if hop.Reason != rpc.Allowed {
		level = slog.LevelInfo
		if hop.Subject == "" && (hop.Caller == rpc.Anonymous || hop.Caller == hop.Module) { // the public door decides for itself
			write = r.strangers.Log
		}
	}
	if r.log.Enabled(ctx, level) {
		write(ctx, level, "decision", "module", hop.Module, "operation", operation, "caller", hop.Caller, "subject", hop.Subject,
			"scopes", strings.Join(hop.Scopes, " "), "reason", hop.Reason, "proof", hop.Proof, "trace_id", hop.Transaction)
	}
}

// levels are how loudly a failed call is told; what is not here is the caller's affair.
var levels = map[fault.Code]slog.Level{
	fault.Internal:    slog.LevelError, // a defect of ours
	fault.Unavailable: slog.LevelWarn,  // something is away
}

func (r *Recorder) executed(ctx context.Context, hop rpc.Record) {
	code := fault.CodeOf(hop.Err)
	label := string(code)
	if code == "" {
		label = "ok"
	}
	r.calls.WithLabelValues(hop.Operation, hop.Caller, label).Inc()
	r.seconds.WithLabelValues(hop.Operation).Observe(hop.Duration.Seconds())
	if level, worth := levels[code]; worth {
		write := r.log.Log
		if hop.Subject == "" {
			write = r.failures.Log
		}
		write(ctx, level, "operation failed", "operation", hop.Operation, "caller", hop.Caller, "subject", hop.Subject,
			"trace_id", hop.Transaction, "cause", hop.Err)
	}
}

// Sampled is a metric that is measured when somebody looks: one value for each label.
type Sampled struct {
	description *prometheus.Desc
	sample      func() (map[string]float64, error)
}

var _ prometheus.Collector = (*Sampled)(nil)

// NewSampled makes a gauge with one label. sample gives the value for each of its values; it must be quick.
func NewSampled(name, help, label string, sample func() (map[string]float64, error)) *Sampled {
	return &Sampled{prometheus.NewDesc(name, help, []string{label}, nil), sample}
}

// Describe tells the metric's name.
func (s *Sampled) Describe(to chan<- *prometheus.Desc) { to <- s.description }

// Collect measures. What cannot be measured now is reported as an error of the scrape.
func (s *Sampled) Collect(to chan<- prometheus.Metric) {
	values, err := s.sample()
	if err != nil {
		to <- prometheus.NewInvalidMetric(s.description, err)
		return
	}
	for label, value := range values {
		to <- prometheus.MustNewConstMetric(s.description, prometheus.GaugeValue, value, label)
	}
}
