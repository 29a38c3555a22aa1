package databasetest

import (
	"bytes"
	"context"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"oms/platform/database"
)

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
