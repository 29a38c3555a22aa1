package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"oms/platform/database"
	"oms/platform/database/databasetest"

	_ "modernc.org/sqlite"
)

// The benchmarks come in pairs: what Write does, and the limit that its engine sets to anyone who does the same by hand.
// Compare ns/op of a pair from one run only; both flush the same disk.
//
//	go test -run '^$' -bench . -benchtime 2000x ./platform/database/sqlite

// BenchmarkConcurrentWrites: 64 callers, one insert each call.
func BenchmarkConcurrentWrites(b *testing.B) {
	d := server(b, options(b))
	var id atomic.Int64
	b.SetParallelism(32) // times the number of processors: 64 callers on two
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := d.Write(context.Background(), databasetest.Insert(int(id.Add(1)), "some name")); err != nil {
				b.Error(err)
			}
		}
	})
	s := d.Stats()
	b.ReportMetric(float64(s.Works)/float64(s.Commits), "works/commit")
}

// BenchmarkConcurrentWritesLimit: one goroutine, database/sql alone, the same inserts with 64 a transaction, prepared once.
func BenchmarkConcurrentWritesLimit(b *testing.B) { raw(b, 64) }

// BenchmarkSingleWrites: one caller, so each write has a commit of its own.
func BenchmarkSingleWrites(b *testing.B) {
	d := server(b, options(b))
	for i := range b.N {
		if err := d.Write(context.Background(), databasetest.Insert(i, "some name")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSingleWritesLimit: database/sql alone, one transaction an insert.
func BenchmarkSingleWritesLimit(b *testing.B) { raw(b, 1) }

// BenchmarkReads: one row by its key, in a snapshot of its own.
func BenchmarkReads(b *testing.B) {
	d := server(b, options(b))
	if err := d.Write(context.Background(), databasetest.Insert(1, "some name")); err != nil {
		b.Fatal(err)
	}
	var name string
	b.ResetTimer()
	for range b.N {
		err := d.Read(context.Background(), func(tx database.Tx) error {
			return tx.QueryRow("SELECT name FROM item WHERE id = $1", 1).Scan(&name)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadsLimit: the same row through database/sql alone, prepared once.
func BenchmarkReadsLimit(b *testing.B) {
	db := rawDatabase(b)
	if _, err := db.Exec("INSERT INTO item (id, name) VALUES (1, 'some name')"); err != nil {
		b.Fatal(err)
	}
	stmt, err := db.Prepare("SELECT name FROM item WHERE id = $1")
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	var name string
	b.ResetTimer()
	for range b.N {
		if err := stmt.QueryRow(1).Scan(&name); err != nil {
			b.Fatal(err)
		}
	}
}

func rawDatabase(b *testing.B) *sql.DB {
	path := filepath.Join(b.TempDir(), "raw.db")
	db, err := sql.Open("sqlite", fmt.Sprintf("file:%s?_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)", path))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT"); err != nil {
		b.Fatal(err)
	}
	return db
}

func raw(b *testing.B, batch int) {
	db := rawDatabase(b)
	stmt, err := db.Prepare("INSERT INTO item (id, name) VALUES ($1, $2)")
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Close()
	b.ResetTimer()
	for done := 0; done < b.N; done += batch {
		tx, err := db.Begin()
		if err != nil {
			b.Fatal(err)
		}
		inTx := tx.Stmt(stmt)
		for i := range min(batch, b.N-done) {
			if _, err := inTx.Exec(done+i, "some name"); err != nil {
				b.Fatal(err)
			}
		}
		if err := tx.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}
