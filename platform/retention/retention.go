// Package retention removes what has outlived its time from a module's database: in small batches, beside load, the
// oldest first. What lives how long, and what is never removed, is the module's to say.
package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/database"
)

const (
	// interval is how often it is looked for what has outlived its time. Lives are hours and more.
	interval = time.Minute
	// batch bounds what one transaction removes: a few milliseconds of the writer's time.
	batch = 100
	// pause is how long the writer is left to others between two batches: several times as long as one takes.
	pause = 20 * time.Millisecond
)

// Kind is one kind of things that are kept for a time.
type Kind struct {
	Name string        // as the metric has it: "orders"
	Life time.Duration // from when it has ended

	// Remove removes at most limit of those that ended at or before a time, the oldest first, with all that belongs to
	// them, and says how many. It is a work as [database.Store] has it.
	Remove func(tx database.Tx, endedBy time.Time, limit int64) (removed int64, err error)
}

// Pruner removes kinds of things from one database.
type Pruner struct {
	store   database.Store
	now     func() time.Time
	log     *slog.Logger
	kinds   []Kind
	removed *prometheus.CounterVec
}

// New makes the pruner of a module, whose clock is now.
func New(module string, store database.Store, now func() time.Time, log *slog.Logger, kinds ...Kind) *Pruner {
	return &Pruner{store, now, log, kinds, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "oms_pruned_total", Help: "What was removed since it had outlived its time, by module and kind.", ConstLabels: prometheus.Labels{"module": module},
	}, []string{"kind"})}
}

// Collector is its metric.
func (p *Pruner) Collector() prometheus.Collector { return p.removed }

// Run removes what has outlived its time, now and then, until ctx ends.
func (p *Pruner) Run(ctx context.Context) {
	failing := false
	for {
		err := p.Pass(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			p.log.ErrorContext(ctx, "what has outlived its time cannot be removed", "cause", err)
		case err == nil && failing:
			p.log.InfoContext(ctx, "what has outlived its time is removed again")
		}
		failing = err != nil
		if !wait(ctx, interval) {
			return
		}
	}
}

// Pass removes everything that has outlived its time by now, batch by batch.
func (p *Pruner) Pass(ctx context.Context) error {
	for _, kind := range p.kinds {
		for more := true; more; {
			removed, err := database.Write(ctx, p.store, func(tx database.Tx) (int64, error) {
				return kind.Remove(tx, p.now().Add(-kind.Life), batch)
			})
			if err != nil {
				return err
			}
			p.removed.WithLabelValues(kind.Name).Add(float64(removed))
			more = removed >= batch && wait(ctx, pause)
		}
	}
	return ctx.Err()
}

// wait waits; false says that ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
