package database_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"

	"oms/platform/database"
)

// schema is the migrations of the tests: one table whose id is unique.
func schema() fs.FS {
	return fstest.MapFS{"0001_item.sql": {Data: []byte("-- +goose Up\nCREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n")}}
}

// journal is a log to read in tests.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// options names a database in a directory of its own that is not there yet.
func options(t testing.TB) database.Options {
	t.Helper()
	return database.Options{Path: filepath.Join(t.TempDir(), "data", "items.db"), Migrations: schema(), Log: slog.New(slog.NewTextHandler(&journal{}, nil))}
}

// server opens a database for the length of the test.
func server(t testing.TB, o database.Options) *database.DB {
	t.Helper()
	d, err := database.OpenServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// insert is a work.
func insert(id int, name string) func(database.Tx) error {
	return func(tx database.Tx) error {
		_, err := tx.Exec("INSERT INTO item (id, name) VALUES ($1, $2)", id, name)
		return err
	}
}

// count reads how many items there are.
func count(t testing.TB, s database.Store) int {
	t.Helper()
	var n int
	err := s.Read(context.Background(), func(tx database.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM item").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// together runs works in one batch, in this order, and gives their results.
func together(t testing.TB, d *database.DB, works ...func(database.Tx) error) []error {
	t.Helper()
	release := hold(t, d)
	results := make([]error, len(works))
	var group sync.WaitGroup
	for i, work := range works {
		group.Go(func() { results[i] = d.Write(context.Background(), work) })
		queued(t, d, i+1)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	group.Wait()
	return results
}

// hold keeps the writer busy, in the middle of a batch, until the function that it returns is called; that gives the result of
// the work that held it.
func hold(t testing.TB, d *database.DB) (release func() error) {
	t.Helper()
	busy, free, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	enter, leave := sync.OnceFunc(func() { close(busy) }), sync.OnceFunc(func() { close(free) })
	go func() {
		result <- d.Write(context.Background(), func(database.Tx) error { enter(); <-free; return nil })
	}()
	<-busy
	t.Cleanup(leave)
	return func() error { leave(); return <-result }
}

// queued waits until n works wait for the writer.
func queued(t testing.TB, d *database.DB, n int) {
	t.Helper()
	for d.Queued() < n {
		if t.Context().Err() != nil {
			t.Fatal("the test has ended")
		}
		runtime.Gosched()
	}
}
