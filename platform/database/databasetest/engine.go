package databasetest

import (
	"context"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"
	"testing"

	"oms/platform/database"
)

// Database is an open database of an engine.
type Database interface {
	database.Store
	Stats() database.Stats
}

// Engine is what the suite needs of an engine, which commits the works that queue meanwhile together.
type Engine struct {
	// Open opens a fresh database with the schema of the migrations. It is closed when the test ends.
	Open func(t testing.TB, migrations fs.FS, log *slog.Logger) Database
	// Queued is how many works wait for the batch under way to end.
	Queued func(Database) int
	// Fill is a work that finds the disk full while it adds the item, and returns nil all the same.
	Fill func(item int) func(database.Tx) error
}

func (e Engine) fresh(t testing.TB) Database {
	t.Helper()
	return e.Open(t, Schema(), slog.New(slog.DiscardHandler))
}

// Together runs works in one batch, in this order, and gives their results.
func (e Engine) Together(t testing.TB, d Database, works ...func(database.Tx) error) []error {
	t.Helper()
	release := Hold(t, d)
	results := make([]error, len(works))
	var group sync.WaitGroup
	for i, work := range works {
		group.Go(func() { results[i] = d.Write(context.Background(), work) })
		e.Await(t, d, i+1)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	group.Wait()
	return results
}

// Await waits until n works are queued.
func (e Engine) Await(t testing.TB, d Database, n int) {
	t.Helper()
	for e.Queued(d) < n {
		if t.Context().Err() != nil {
			t.Fatal("the test has ended")
		}
		runtime.Gosched()
	}
}

// Hold keeps the writer busy, in the middle of a batch, until the function that it returns is called; that gives the result of
// the work that held it.
func Hold(t testing.TB, s database.Store) (release func() error) {
	t.Helper()
	busy, free, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	enter, leave := sync.OnceFunc(func() { close(busy) }), sync.OnceFunc(func() { close(free) })
	go func() {
		result <- s.Write(context.Background(), func(database.Tx) error { enter(); <-free; return nil })
	}()
	<-busy
	t.Cleanup(leave)
	return func() error { leave(); return <-result }
}
