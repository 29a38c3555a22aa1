// Package databasetest opens real databases for tests, and holds the suite that every engine passes.
package databasetest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"

	"oms/migrations"
	"oms/platform/database"
	"oms/platform/database/sqlite"
)

// Open opens a fresh database with the schema of a module. It is closed when the test ends.
func Open(t testing.TB, module string) *sqlite.DB {
	t.Helper()
	return OpenIn(t, module, t.TempDir())
}

// OpenIn opens the database of a module in a directory, as a server does, with options that differ from the defaults. It is
// closed when the test ends.
func OpenIn(t testing.TB, module, directory string, differ ...func(*sqlite.Options)) *sqlite.DB {
	t.Helper()
	o := sqlite.Options{Path: filepath.Join(directory, module+".db"), Migrations: migrations.For(module)}
	for _, set := range differ {
		set(&o)
	}
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) && len(differ) == 0 {
		empty, err := emptyOf(module)()
		if err == nil {
			err = os.WriteFile(o.Path, empty, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.OpenServer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// empties are the databases of modules before anything is in them, by module.
var empties sync.Map

// emptyOf makes the file of a module's empty database, once for all tests of a package: with the race detector making the schema
// takes longer than most tests.
func emptyOf(module string) func() ([]byte, error) {
	once, _ := empties.LoadOrStore(module, sync.OnceValues(func() (file []byte, err error) {
		directory, err := os.MkdirTemp("", "empty")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
		path := filepath.Join(directory, module+".db")
		db, err := sqlite.OpenServer(context.Background(), sqlite.Options{Path: path, Migrations: migrations.For(module)})
		if err != nil {
			return nil, err
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
		return os.ReadFile(path)
	}))
	return once.(func() ([]byte, error))
}

// Run holds an engine to what [database.Store] and [database.Tx] promise.
func Run(t *testing.T, e Engine) {
	for _, promise := range []struct {
		name string
		test func(*testing.T, Engine)
	}{
		{"WritersShareCommits", writersShareCommits},
		{"WorksOfOneBatchAreIsolated", worksOfOneBatchAreIsolated},
		{"DeferredConstraintFailsItsWorkAlone", deferredConstraintFailsItsWorkAlone},
		{"WorkThatExits", workThatExits},
		{"ContextEndsTheWaitOnly", contextEndsTheWaitOnly},
		{"UniqueViolation", uniqueViolation},
		{"StatementsOfATransaction", statementsOfATransaction},
		{"TransactionEndsWithItsWork", transactionEndsWithItsWork},
		{"ExecCountsRows", execCountsRows},
		{"ReadSeesASnapshot", readSeesASnapshot},
		{"ReadDoesNotWrite", readDoesNotWrite},
		{"ReadReturnsTheWorksResult", readReturnsTheWorksResult},
		{"ReadsContext", readsContext},
		{"ReadsRowAfterItsDeadline", readsRowAfterItsDeadline},
		{"AnyBatchMatchesItsModel", anyBatchMatchesItsModel},
		{"TimesAndBools", timesAndBools},
		{"TimeOfNull", timeOfNull},
		{"Collect", collect},
		{"Find", find},
		{"ChangeOne", changeOne},
		{"ValueOfAWork", valueOfAWork},
	} {
		t.Run(promise.name, func(t *testing.T) { promise.test(t, e) })
	}
}

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

// Schema is the migrations of the tests: one table, item, whose id is unique.
func Schema() fs.FS {
	return fstest.MapFS{"0001_item.sql": {Data: []byte("-- +goose Up\nCREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n")}}
}

// Insert is a work that adds an item.
func Insert(id int, name string) func(database.Tx) error {
	return func(tx database.Tx) error {
		_, err := tx.Exec("INSERT INTO item (id, name) VALUES ($1, $2)", id, name)
		return err
	}
}

// Count reads how many items there are.
func Count(t testing.TB, s database.Store) int {
	t.Helper()
	n, err := database.Read(context.Background(), s, func(tx database.Tx) (int, error) {
		return database.Column[int](tx.QueryRow("SELECT count(*) FROM item"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// IDs reads which items there are.
func IDs(t testing.TB, s database.Store) map[int]bool {
	t.Helper()
	ids, err := database.Read(context.Background(), s, func(tx database.Tx) ([]int, error) {
		return database.Collect(tx, database.Column[int], "SELECT id FROM item")
	})
	if err != nil {
		t.Fatal(err)
	}
	stored := make(map[int]bool)
	for _, id := range ids {
		stored[id] = true
	}
	return stored
}

// Journal is a log to read in tests.
type Journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (j *Journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String is what was logged so far.
func (j *Journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
