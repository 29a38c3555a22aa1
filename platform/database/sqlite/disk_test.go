package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
)

// A file that may not grow fails writes, not reads; and once there is room again everything works as before, in the same process.
func TestDiskWithoutRoomAndItsRecovery(t *testing.T) {
	// In a process of its own, since the limit on the size of files holds for the whole process.
	t.Log(strings.TrimSpace(play(t, process(t, "fill", options(t).Path))))
}

func fill(args []string) error {
	ctx := context.Background()
	log := &databasetest.Journal{}
	d, err := sqlite.OpenServer(ctx, sqlite.Options{Path: args[0], Migrations: databasetest.Schema(), Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		return err
	}
	defer d.Close()

	count := func() (n int, err error) {
		err = d.Read(ctx, func(tx database.Tx) error { return tx.QueryRow("SELECT count(*) FROM item").Scan(&n) })
		return n, err
	}
	if _, err := count(); err != nil { // from now on a reader keeps the log alive: it cannot be emptied into the database in between
		return err
	}

	signal.Ignore(unix.SIGXFSZ) // writing beyond the limit is an error then, as on a full disk
	var room unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	const limit = 256 << 10 // bytes; reached by the log after some dozens of the writes below
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: room.Max}); err != nil {
		return err
	}
	stored, failures := 0, 0
	for id := 1; failures < 5; id++ {
		err := d.Write(ctx, databasetest.Insert(id, strings.Repeat("x", 4096)))
		switch {
		case err == nil:
			stored++
		case fault.CodeOf(err) == fault.Unavailable && fault.From(err).RetryAfter > 0:
			failures++
		default:
			return fmt.Errorf("a write without room failed with %w", err)
		}
		if stored > 1000 {
			return errors.New("the limit does not hold")
		}
	}
	if stored == 0 {
		return errors.New("nothing could be stored at all")
	}
	if why := d.Failing(); why == nil || !strings.Contains(why.Error(), "make room") {
		return fmt.Errorf("without room, it says of itself %w", why)
	}
	if n, err := count(); err != nil || n != stored {
		return fmt.Errorf("without room, %d of %d acknowledged works can be read: %w", n, stored, err)
	}

	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &room); err != nil {
		return err
	}
	for id := 10_001; id <= 10_100; id++ {
		if err := d.Write(ctx, databasetest.Insert(id, strings.Repeat("y", 4096))); err != nil {
			return fmt.Errorf("with room again, a write fails: %w", err)
		}
	}
	n, err := count()
	if err != nil || n != stored+100 {
		return fmt.Errorf("%d items instead of %d: %w", n, stored+100, err)
	}
	if why := d.Failing(); why != nil {
		return fmt.Errorf("with room again, it says of itself %w", why)
	}
	told := log.String()
	if strings.Count(told, "was abandoned") != 1 || strings.Count(told, "can be written again") != 1 {
		return fmt.Errorf("the failure and its end were not logged once each: %s", told)
	}
	fmt.Printf("%d stored, %d refused, %d stored after there was room again\n", stored, failures, n-stored)
	return d.Close()
}

// However little is left on the disk, a start that needs more says so, in one line that names the directory.
func TestAFullDiskAtTheStartIsNamed(t *testing.T) {
	directory := t.TempDir()
	if err := unix.Mount("tmpfs", directory, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("a small file system takes the right to mount one:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(directory, 0); err != nil {
			t.Error(err)
		}
	})
	refused := 0
	for left := 0; left <= 256<<10; left += 16 << 10 {
		o := sqlite.Options{Path: filepath.Join(directory, "items.db"), Owner: "items", Migrations: databasetest.Schema()}
		if err := os.WriteFile(filepath.Join(directory, "ballast"), make([]byte, 512<<10-left), 0o600); err != nil && !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
		d, err := sqlite.OpenServer(t.Context(), o)
		switch {
		case err == nil:
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		case !strings.Contains(err.Error(), "the disk of "+directory+" is full: make room on it"), strings.Contains(err.Error(), "\n"):
			t.Errorf("with %d bytes left: %v", left, err)
		default:
			refused++
		}
		for _, name := range []string{"items.db", "items.db-wal", "items.db-shm", "items.db.lock", "ballast"} {
			if err := os.Remove(filepath.Join(directory, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	if t.Logf("%d starts were refused", refused); refused == 0 || refused > 16 {
		t.Errorf("%d of 17 starts were refused", refused)
	}
}

// A database that is full in the middle of a work fails that work, whatever the work makes of it, and none of its neighbours.
func TestFullInTheMiddleOfABatch(t *testing.T) {
	d := server(t, options(t))
	full := func(tx database.Tx) error {
		if _, err := tx.Exec("PRAGMA max_page_count = 1"); err != nil { // as small as it is now
			return err
		}
		_, err := tx.Exec("INSERT INTO item (id, name) VALUES (2, $1)", strings.Repeat("x", 1<<20))
		if fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("the statement said %v", err)
		}
		if _, again := tx.Exec("INSERT INTO item (id, name) VALUES (3, 'x')"); fault.CodeOf(again) != fault.Unavailable {
			t.Errorf("a later statement said %v", again)
		}
		if again := tx.QueryRow("SELECT 1").Scan(new(int)); again == nil {
			t.Error("a later query ran")
		}
		return nil // swallowed
	}
	results := engine().Together(t, d, databasetest.Insert(1, "a"), full, databasetest.Insert(4, "b"))
	if results[0] != nil || results[2] != nil {
		t.Errorf("the neighbours got %v and %v", results[0], results[2])
	}
	if fault.CodeOf(results[1]) != fault.Unavailable || fault.From(results[1]).RetryAfter <= 0 {
		t.Errorf("the full work got %v", results[1])
	}
	if !strings.Contains(fault.From(results[1]).Detail, "full") {
		t.Errorf("its detail does not say why: %v", fault.From(results[1]).Detail)
	}
	if got := databasetest.Count(t, d); got != 2 {
		t.Errorf("%d items instead of 2", got)
	}
	if s := d.Stats(); s.Abandoned != 1 {
		t.Errorf("%d abandoned transactions instead of 1", s.Abandoned)
	}
	if err := d.Write(t.Context(), databasetest.Insert(2, strings.Repeat("x", 1<<20))); err != nil {
		t.Errorf("the next connection is limited too: %v", err)
	}
}
