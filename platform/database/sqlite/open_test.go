package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
	"oms/platform/fault"
)

// complains checks an error for the operator: one line with all of the words.
func complains(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	t.Log(err)
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Error("it is more than one line")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("it does not say %q", word)
		}
	}
}

// One process serves a database; a second is told so, and may as soon as the first is gone.
func TestSecondServerIsRefused(t *testing.T) {
	o := options(t)
	first := server(t, o)
	_, err := sqlite.OpenServer(t.Context(), o)
	complains(t, err, o.Path, "already being served", fmt.Sprint("process ", os.Getpid()), "stop")
	_, err = sqlite.MigrateUp(t.Context(), o)
	complains(t, err, o.Path, "already being served")

	if err := first.Write(t.Context(), databasetest.Insert(1, "a")); err != nil {
		t.Errorf("the first one suffers: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := databasetest.Count(t, server(t, o)); got != 1 {
		t.Errorf("%d items instead of 1", got)
	}
}

// Everything that a database consists of belongs to its owner alone, also where it did not before.
func TestFilesArePrivate(t *testing.T) {
	o := options(t)
	check := func(t *testing.T) {
		t.Helper()
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			info, err := os.Stat(o.Path + suffix)
			if err != nil {
				t.Error(err)
			} else if info.Mode() != 0o600 {
				t.Errorf("%s has mode %v", filepath.Base(o.Path)+suffix, info.Mode())
			}
		}
		if info, err := os.Stat(filepath.Dir(o.Path)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the directory: %v %v", info, err)
		}
	}
	d := server(t, o)
	if err := d.Write(t.Context(), databasetest.Insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	check(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(o.Path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := server(t, o).Write(t.Context(), databasetest.Insert(2, "b")); err != nil {
		t.Fatal(err)
	}
	check(t)
}

// After Close the database file holds everything by itself.
func TestCloseLeavesOneFile(t *testing.T) {
	o := options(t)
	d := server(t, o)
	if err := d.Write(t.Context(), databasetest.Insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	databasetest.Count(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(o.Path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", suffix, err)
		}
	}
}

// Close finishes the works that wait, and refuses what comes later.
func TestCloseFinishesQueuedWork(t *testing.T) {
	o := options(t)
	d := server(t, o)
	release := databasetest.Hold(t, d)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if err := d.Write(context.Background(), databasetest.Insert(i, "x")); err != nil {
				t.Errorf("a queued write got %v", err)
			}
		})
	}
	engine().Await(t, d, 20)
	closed := make(chan error)
	go func() { closed <- d.Close() }()
	if err := release(); err != nil {
		t.Error(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	group.Wait()
	for what, err := range map[string]error{
		"write": d.Write(t.Context(), databasetest.Insert(99, "late")),
		"read":  d.Read(t.Context(), func(database.Tx) error { return nil }),
	} {
		if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "closed") {
			t.Errorf("a late %s got %v", what, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second close: %v", err)
	}
	if got := databasetest.Count(t, server(t, o)); got != 20 {
		t.Errorf("%d items instead of 20", got)
	}
}

// Files that are no database, or a damaged one, are named, and left as they are.
func TestDamagedFileIsNamed(t *testing.T) {
	sound := options(t)
	if err := server(t, sound).Close(); err != nil {
		t.Fatal(err)
	}
	damaged, err := os.ReadFile(sound.Path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < 4096; i++ { // what follows the header, on the first page
		damaged[i] = 0xA5
	}
	for name, content := range map[string][]byte{
		"not a database": []byte(strings.Repeat("name;price\n", 1000)),
		"damaged":        damaged,
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			if err := errors.Join(os.MkdirAll(filepath.Dir(o.Path), 0o700), os.WriteFile(o.Path, content, 0o600)); err != nil {
				t.Fatal(err)
			}
			_, err := sqlite.OpenServer(t.Context(), o)
			complains(t, err, o.Path, "not a sound SQLite database", "restore it from a backup")
			_, err = sqlite.OpenBeside(t.Context(), o)
			complains(t, err, o.Path, "not a sound SQLite database")
			_, err = sqlite.MigrationStatus(t.Context(), o)
			complains(t, err, o.Path, "not a sound SQLite database")
			if after, err := os.ReadFile(o.Path); err != nil || string(after) != string(content) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// A path that cannot be is refused before anything is made.
func TestImpossiblePath(t *testing.T) {
	o := options(t)
	file := filepath.Dir(o.Path)
	if err := os.WriteFile(file, nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	_, err := sqlite.OpenServer(t.Context(), o)
	complains(t, err, file, "data directory")

	o = options(t)
	if err := os.MkdirAll(o.Path, 0o700); err != nil { // a directory where the file should be
		t.Fatal(err)
	}
	_, err = sqlite.OpenServer(t.Context(), o)
	complains(t, err, o.Path, "is not a file")
}

// Whoever may not write the directory, or the file in it, is told so, and leaves nothing half made.
func TestWithoutRights(t *testing.T) {
	empty := t.TempDir()
	full := options(t)
	if err := errors.Join(server(t, full).Close(), os.Chmod(full.Path, 0o400)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ open, path, want string }{
		{"server", filepath.Join(empty, "items.db"), "lock file"},
		{"server", filepath.Join(empty, "data", "items.db"), "data directory"},
		{"beside", full.Path, "cannot be written by this user"},
	} {
		cmd := process(t, "refused", c.open, c.path)
		if os.Getuid() == 0 { // root may write everything, so the process is somebody else, who owns nothing
			const nobody = 65534
			cmd.Path = "/proc/self/exe" // the binary lies where only root can look
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		freeze(t, c.path)
		complains(t, errors.New(strings.TrimSpace(play(t, cmd))), filepath.Dir(c.path), c.want)
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// freeze lets everybody look into the directories above path, and its owner no longer write there.
func freeze(t *testing.T, path string) {
	t.Helper()
	for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	}
}

// refused prints why a database cannot be opened.
func refused(args []string) error {
	open := map[string]func(context.Context, sqlite.Options) (*sqlite.DB, error){"server": sqlite.OpenServer, "beside": sqlite.OpenBeside}[args[0]]
	d, err := open(context.Background(), sqlite.Options{Path: args[1], Migrations: databasetest.Schema()})
	if err == nil {
		return errors.Join(errors.New("it was opened"), d.Close())
	}
	fmt.Println(err)
	return nil
}
