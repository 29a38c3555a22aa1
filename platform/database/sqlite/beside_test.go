package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
)

// besideWrites is how many commits a command makes beside a busy server.
const besideWrites = 50

// A command in another process gets its turns while the server writes as fast as it can; the server sees the command's
// writes, the command the server's, and neither loses any.
func TestCommandBesideABusyServer(t *testing.T) {
	o := options(t)
	d := server(t, o)
	var next atomic.Int64
	var stop atomic.Bool
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for !stop.Load() {
				if err := d.Write(context.Background(), databasetest.Insert(int(next.Add(1)), "server")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	// Only once the server is under way does the command start: it sees works of the server.
	for d.Stats().Commits == 0 {
		if err := d.Read(t.Context(), func(database.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := strconv.Atoi(strings.TrimSpace(play(t, process(t, "beside", o.Path))))
	byThen := databasetest.IDs(t, d)
	stop.Store(true)
	group.Wait()

	if err != nil || seen == 0 {
		t.Errorf("the command saw %d works of the server (%v)", seen, err)
	}
	for id := 1; id <= besideWrites; id++ {
		if !byThen[-id] {
			t.Errorf("the server does not see the command's work %d", id)
		}
	}
	if got, want := databasetest.Count(t, d), int(next.Load())+besideWrites; got != want {
		t.Errorf("%d items instead of %d", got, want)
	}
	s := d.Stats()
	t.Logf("%d commits of a command beside %d works in %d commits of the server", besideWrites, s.Works, s.Commits)
	if s.Abandoned != 0 {
		t.Errorf("the server gave up %d batches", s.Abandoned)
	}
}

// beside is the command; it prints how many works of the server it has seen.
func beside(args []string) error {
	ctx := context.Background()
	d, err := sqlite.OpenBeside(ctx, sqlite.Options{Path: args[0], Migrations: databasetest.Schema()})
	if err != nil {
		return err
	}
	for id := 1; id <= besideWrites; id++ {
		if err := d.Write(ctx, databasetest.Insert(-id, "command")); err != nil {
			return fmt.Errorf("write %d of the command: %w", id, err)
		}
	}
	var seen int
	if err := d.Read(ctx, func(tx database.Tx) error {
		return tx.QueryRow("SELECT count(*) FROM item WHERE id > $1", 0).Scan(&seen)
	}); err != nil {
		return err
	}
	fmt.Println(seen)
	return d.Close()
}

// A command that holds the write lock holds the server up, not its readers, nor those who stop waiting.
func TestServerWaitsForACommand(t *testing.T) {
	o := options(t)
	d := server(t, o)
	command, err := sqlite.OpenBeside(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer command.Close()
	release := databasetest.Hold(t, command)

	waiting, giveUp := context.WithCancel(context.Background())
	results := make(chan error)
	go func() { results <- d.Write(waiting, databasetest.Insert(1, "a")) }()
	if got := databasetest.Count(t, d); got != 0 {
		t.Errorf("%d items", got)
	}
	giveUp()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("the write that gave up got %v", err)
	}
	go func() { results <- d.Write(context.Background(), databasetest.Insert(2, "b")) }()
	if err := release(); err != nil {
		t.Error(err)
	}
	if err := <-results; err != nil {
		t.Error(err)
	}
	if got, want := fmt.Sprint(databasetest.IDs(t, command)), "map[2:true]"; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

// A command works without a server, also on a copy that was made without a write-ahead log.
func TestCommandWithoutServer(t *testing.T) {
	o := options(t)
	d := server(t, o)
	if err := d.Write(t.Context(), databasetest.Insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	copied := o
	copied.Path = strings.Replace(o.Path, "items.db", "copy.db", 1)
	raw, err := sql.Open("sqlite", o.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Exec("VACUUM INTO $1", copied.Path); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []sqlite.Options{o, copied} {
		command, err := sqlite.OpenBeside(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Write(t.Context(), databasetest.Insert(2, "b")); err != nil {
			t.Error(err)
		}
		if got := databasetest.Count(t, command); got != 2 {
			t.Errorf("%d items instead of 2", got)
		}
		if err := command.Close(); err != nil {
			t.Error(err)
		}
	}
}
