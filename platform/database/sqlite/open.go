// Package sqlite keeps a module's database in a file, with SQLite. What it promises beyond package database:
//   - Many callers' works share one commit, so that concurrent writers share the cost of a disk flush, without waiting for each other on purpose.
//   - Files are readable by their owner only, one process serves them at a time, and the schema is the one that this program knows.
//   - What is deleted makes the file smaller: pages that are free are given back, a few at a time, while nobody writes.
//   - Before the disk is full, [DB.Room] says that nothing should be added any more, while what frees goes on.
//   - Commands can work on the same file beside the process that serves it.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"oms/platform/database"
)

// Options says which database to open.
type Options struct {
	// Path is the database file. Beside it lie Path-wal and Path-shm while it is in use, and Path.lock.
	Path string
	// Owner is whose database it is: one of another owner is refused. "" is anybody's.
	Owner string
	// Migrations holds the NNNN_name.sql files, in goose's format, at its root.
	Migrations fs.FS
	// Erase overwrites what is deleted or replaced: for a database with secrets. It costs a write for each page that is freed.
	Erase bool
	// MinFree is how many bytes are to stay free on its disk: below it [DB.Room] says that nothing should be added. 0 is none.
	MinFree int64
	// Log gets what a caller is not told: stacks of panics, the disk's failure and its recovery. Nil logs nothing.
	Log *slog.Logger
}

// log is where to log, never nil.
func (o Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log.With("database", o.Path)
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	writer  *writer
	readers *readers
	room    room
	held    *os.File     // the lock; nil beside a server
	shrink  *time.Ticker // nil beside a server

	mu     sync.Mutex // guards closed, and flight's growing against its being awaited
	closed bool
	flight sync.WaitGroup // the calls of Write and Read under way
}

var _ database.Store = (*DB)(nil)

// OpenServer opens the database for the one process that serves it: it makes what is missing, takes the lock that keeps a
// second server out until Close, and brings the schema to the latest version under that lock.
//
// Its errors are one line for the operator: what is wrong with which file, and what to do.
func OpenServer(ctx context.Context, o Options) (*DB, error) {
	held, err := prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	shrink := time.NewTicker(shrinkInterval)
	d, err := start(o, shrink.C)
	if err != nil {
		shrink.Stop()
		_ = held.Close()
		return nil, err
	}
	d.held, d.shrink = held, shrink
	return d, nil
}

// OpenBeside opens an existing database for a command, beside a running server or without one. It creates nothing and
// migrates nothing: a missing file and another version of the schema are errors that say what to do.
//
// A command and a server take turns at the write lock. Each sees what the other has committed in its next Read or Write.
func OpenBeside(ctx context.Context, o Options) (*DB, error) {
	if _, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database at %s: start `app serve` once, or run `app migrate up`", o.Path)
	}
	if err := tighten(o.Path); err != nil {
		return nil, err
	}
	pool, err := openPool(o, setting) // a copy made by VACUUM INTO has no write-ahead log yet
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	s, err := status(ctx, o, pool)
	switch {
	case err != nil:
		return nil, err
	case s.Current < s.Latest:
		return nil, fmt.Errorf("the schema of %s is at version %d and this program needs %d: start `app serve` of this version once, or run `app migrate up`", o.Path, s.Current, s.Latest)
	case s.Current > s.Latest:
		return nil, tooNew(o, s)
	}
	return start(o, nil)
}

// start opens the pools and starts the writer. shrink is when that looks for pages to give back.
func start(o Options, shrink <-chan time.Time) (*DB, error) {
	writers, err := openPool(o, writing)
	if err != nil {
		return nil, err
	}
	readers, err := openPool(o, reading)
	if err != nil {
		return nil, err
	}
	return &DB{writer: startWriter(writers, shrink, o.Path, o.log()), readers: startReaders(readers, o.log()), room: newRoom(o)}, nil
}

// Write implements [database.Store].
func (d *DB) Write(ctx context.Context, work func(database.Tx) error) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.flight.Done()
	return d.writer.write(ctx, work)
}

// Read implements [database.Store].
func (d *DB) Read(ctx context.Context, work func(database.Tx) error) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.flight.Done()
	return d.readers.read(ctx, work)
}

// enter counts a call that Close has to wait for; the caller says d.flight.Done.
func (d *DB) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return unavailable(errClosed)
	}
	d.flight.Add(1)
	return nil
}

// Close finishes what was asked for before it, writes the log back into the database file and gives the lock back.
// Later calls of Write and Read are refused; a second Close does nothing.
func (d *DB) Close() error {
	d.mu.Lock()
	already := d.closed
	d.closed = true
	d.mu.Unlock()
	if already {
		return nil
	}
	d.flight.Wait()
	d.readers.stop()
	d.writer.stop()
	err := errors.Join(d.readers.pool.Close(), d.writer.pool.Close()) // the last one takes the log away, which a reader may not
	if d.held != nil {
		d.shrink.Stop()
		err = errors.Join(err, d.held.Close())
	}
	return err
}

// Failing is why nothing can be stored at the moment, as of the last attempt; nil where it can.
func (d *DB) Failing() error {
	if err := d.writer.failing.Load(); err != nil {
		return *err
	}
	return nil
}

// Stats counts what Write has done, for metrics.
func (d *DB) Stats() database.Stats {
	return database.Stats{Works: d.writer.works.Load(), Commits: d.writer.commits.Load(), Abandoned: d.writer.abandoned.Load()}
}

// makeDirectory makes the directory of the database, for its owner alone.
func makeDirectory(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("the data directory cannot be made: %w; make its parent writable for this user, or set another one", err)
	}
	return nil
}

// makeFile makes the database file, empty and for its owner alone, unless it is there: SQLite would make it readable for
// everybody. SQLite gives the files that it makes beside it the same mode.
func makeFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the database cannot be created: %w", err)
	}
	if err := file.Close(); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes a new entry of a directory durable.
func syncDirectory(name string) error {
	directory, err := os.Open(name)
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync()
}

// tighten takes the rights of group and others from the database's files, and sees that its owner can write. It must not open them: closing a file would
// drop the locks that this process holds on it through SQLite (POSIX locks belong to the process, not to the descriptor).
func tighten(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file", path+suffix)
		}
		if info.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(path+suffix, 0o600); err != nil {
				return fmt.Errorf("the database is open to other users, and this one may not change that: %w", err)
			}
		}
	}
	// SQLite would open a file that it may not write all the same, and fail at the first write; and it makes files beside it.
	for _, name := range []string{path, filepath.Dir(path)} {
		if err := unix.Access(name, unix.R_OK|unix.W_OK); err != nil {
			return fmt.Errorf("%s cannot be written by this user (%w): run this as the owner of the data", name, err)
		}
	}
	return nil
}

// lock takes the right to serve the database at path, which one process has at a time. The kernel takes it back when the file
// is closed or the process ends, however it ends. The file stays: whoever removed it could remove another's lock.
func lock(path string) (held *os.File, err error) {
	file, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the lock file cannot be opened: %w; make the directory writable for this user, or set another one", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("the data in %s is already being served%s: stop that process first, or use another data directory", path, holder(file))
		}
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	// Who holds it is for people to read; the lock does not depend on it.
	_ = file.Truncate(0)
	_, _ = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return file, nil
}

// holder names the process that holds the lock, as far as it is known.
func holder(file *os.File) string {
	content := make([]byte, 20) // enough for any process id
	n, _ := file.ReadAt(content, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(content[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" by process %d", pid)
}
