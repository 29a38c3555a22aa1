package systemtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"oms/modules/system"
	"oms/platform/database"
	"oms/platform/database/sqlite"
	"oms/platform/pki"
)

// Each figure stands beside its limit in the same run: what the same listener costs with a handler that does nothing,
// and what the same database work costs without any of the system around it.
//
//	go test ./modules/systemtest -run '^$' -bench . -benchmem

func openForBenchmark(b *testing.B) *deployment {
	return open(b, func(c *system.Config) { c.Log.Level = "info" })
}

// sendForBenchmark makes one request and reads all of its answer.
func sendForBenchmark(client *http.Client, method, url, token, text string) error {
	r, err := http.NewRequest(method, url, strings.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("answered %s", answer.Status)
	}
	return nil
}

func BenchmarkGetOrder(b *testing.B) {
	d := openForBenchmark(b)
	d.placeOrder("bench", d.token("alice"))
	for b.Loop() {
		if err := sendForBenchmark(d.http1, "GET", "https://localhost/order/bench", "", ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetOrderSignedIn(b *testing.B) {
	d := openForBenchmark(b)
	alice := d.token("alice")
	d.placeOrder("bench", alice)
	for b.Loop() {
		if err := sendForBenchmark(d.http1, "GET", "https://localhost/order/bench", alice, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPostOrder(b *testing.B) { benchmarkPost(b, 0) }

func BenchmarkPostOrderParallel16(b *testing.B) { benchmarkPost(b, 16) }

// benchmarkPost places orders, one after the other or many at once.
func benchmarkPost(b *testing.B, parallel int) {
	d := openForBenchmark(b)
	alice, admin := d.token("alice"), d.token("admin")
	for range 5 { // enough stock for any run
		d.expect(d.do("POST", "/inventory/"+headphones+"/adjustments", bearer(admin), body(`{"delta":1000000,"reason":"bench"}`)), 200)
	}
	var n atomic.Int64
	post := func() error {
		return sendForBenchmark(d.http1, "POST", "https://localhost/order", alice, orderBody(fmt.Sprint("bench-", n.Add(1))))
	}
	benchmarkWork(b, parallel, post)
}

// benchmarkWork runs work one after the other, or from so many goroutines.
func benchmarkWork(b *testing.B, parallel int, work func() error) {
	if parallel == 0 {
		for b.Loop() {
			if err := work(); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.SetParallelism(parallel)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := work(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkLimitOfHTTP is the same TLS and the same answer, with nothing behind them.
func BenchmarkLimitOfHTTP(b *testing.B) {
	d := openForBenchmark(b)
	root, err := pki.NewAuthority(d.config.Trust.Domain, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	d.roots.AddCert(root.Certificate())
	own, err := pki.OpenKeyPair(filepath.Join(b.TempDir(), "public.pem"))
	if err != nil {
		b.Fatal(err)
	}
	if err := own.Renew(b.Context(), "", func(_ context.Context, request []byte) ([][]byte, error) {
		leaf, err := root.IssueServer(request, []string{"localhost"}, time.Now(), time.Hour)
		if err != nil {
			return nil, err
		}
		return [][]byte{leaf.Raw, root.Certificate().Raw}, nil
	}); err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	answer := []byte(`{"id":"bench","name":"Alice","items":[{"category":"electronics","code":"SOWH1000XM4","qty":1}]}`)
	server := &http.Server{
		TLSConfig: &tls.Config{GetCertificate: own.GetCertificate, MinVersion: tls.VersionTLS12},
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }),
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	b.Cleanup(func() { _ = server.Close() })
	d.address = listener.Addr().String()
	client := d.newClient(ClientOptions{})
	for b.Loop() {
		if err := sendForBenchmark(client, "GET", "https://localhost/order/bench", "", ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLimitOfOneRead(b *testing.B) {
	d := openForBenchmark(b)
	d.placeOrder("bench", d.token("alice"))
	db := d.store("order")
	for b.Loop() {
		if err := db.Read(context.Background(), func(tx database.Tx) error {
			var items string
			return tx.QueryRow(`SELECT items FROM orders WHERE id = $1`, "bench").Scan(&items)
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLimitOfThreeCommits(b *testing.B) { benchmarkCommits(b, 0) }

func BenchmarkLimitOfThreeCommitsParallel16(b *testing.B) { benchmarkCommits(b, 16) }

// benchmarkCommits is what an order cannot do without: the order is written down, the stock is reserved, and the order
// is confirmed, each durably before the next.
func benchmarkCommits(b *testing.B, parallel int) {
	var stores [2]*sqlite.DB
	for i := range stores {
		db, err := sqlite.OpenServer(context.Background(), sqlite.Options{
			Path:       filepath.Join(b.TempDir(), "raw.db"),
			Migrations: fstest.MapFS{"0001_raw.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE raw (key INTEGER PRIMARY KEY, text TEXT);\n")}},
		})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = db.Close() })
		stores[i] = db
	}
	text := strings.Repeat("x", 200)
	benchmarkWork(b, parallel, func() error {
		for _, db := range []*sqlite.DB{stores[0], stores[1], stores[0]} {
			if err := db.Write(context.Background(), func(tx database.Tx) error {
				_, err := tx.Exec(`INSERT INTO raw (text) VALUES ($1)`, text)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
}
