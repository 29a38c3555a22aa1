package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"oms/platform/database"
	"oms/platform/retention"
)

// memory is a store without a database: works get no transaction.
type memory struct {
	database.Store
	fail atomic.Pointer[error]
}

func (m *memory) Write(_ context.Context, work func(database.Tx) error) error {
	if err := m.fail.Load(); err != nil {
		return *err
	}
	return work(nil)
}

// pile is a number of things that ended at a time.
type pile struct {
	left   int64
	ended  time.Time
	limits []int64
	mu     sync.Mutex // of all of it
}

// look says how many are left, and how many could have been removed each time.
func (p *pile) look() (left int64, limits []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left, slices.Clone(p.limits)
}

func (p *pile) remove(_ database.Tx, endedBy time.Time, limit int64) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits = append(p.limits, limit)
	if endedBy.Before(p.ended) {
		return 0, nil
	}
	removed := min(p.left, limit)
	p.left -= removed
	return removed, nil
}

func TestWhatHasOutlivedItsTimeIsRemovedInSmallBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		young, old := &pile{left: 5, ended: time.Now()}, &pile{left: 250, ended: time.Now()}
		p := retention.New("shop", &memory{}, time.Now, slog.New(slog.DiscardHandler),
			retention.Kind{Name: "young", Life: 48 * time.Hour, Remove: young.remove}, retention.Kind{Name: "old", Life: 24 * time.Hour, Remove: old.remove})
		ctx, stop := context.WithCancel(t.Context())
		go p.Run(ctx)
		expect := func(when string, wantYoung, wantOld int64) (limits []int64) {
			t.Helper()
			synctest.Wait()
			ofYoung, _ := young.look()
			ofOld, limits := old.look()
			if ofYoung != wantYoung || ofOld != wantOld {
				t.Errorf("%s: %d and %d are left, want %d and %d", when, ofYoung, ofOld, wantYoung, wantOld)
			}
			return limits
		}
		time.Sleep(24*time.Hour - time.Second) //nolint:forbidigo // synthetic time
		before := expect("before their time", 5, 250)
		time.Sleep(2 * time.Minute) //nolint:forbidigo // synthetic time
		limits := expect("after the time of the second", 5, 0)
		if batches := len(limits) - len(before); batches < 3 || limits[0] != 100 {
			t.Errorf("%d batches of %d", batches, limits[0])
		}
		stop()
		synctest.Wait()
		registry := prometheus.NewRegistry()
		registry.MustRegister(p.Collector())
		families, err := registry.Gather()
		if err != nil || len(families) != 1 {
			t.Fatal(families, err)
		}
		counted := map[string]float64{}
		for _, metric := range families[0].GetMetric() {
			for _, label := range metric.GetLabel() {
				counted[label.GetName()+"="+label.GetValue()] = metric.GetCounter().GetValue()
			}
		}
		if families[0].GetName() != "oms_pruned_total" || counted["kind=old"] != 250 || counted["kind=young"] != 0 {
			t.Errorf("%s says %v", families[0].GetName(), counted)
		}
	})
}

func TestThatRemovingFailsIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		store := &memory{}
		broken := errors.New("the disk is away")
		store.fail.Store(&broken)
		p := retention.New("shop", store, time.Now, slog.New(slog.NewTextHandler(&log, nil)), retention.Kind{Name: "old", Remove: (&pile{left: 1, ended: time.Now()}).remove})
		ctx, stop := context.WithCancel(t.Context())
		go p.Run(ctx)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // synthetic time
		store.fail.Store(nil)
		time.Sleep(10 * time.Minute) //nolint:forbidigo // synthetic time
		stop()
		synctest.Wait()
		if told := log.String(); strings.Count(told, "cannot be removed") != 1 || strings.Count(told, "is removed again") != 1 || !strings.Contains(told, "the disk is away") {
			t.Errorf("the log: %s", told)
		}
	})
}
