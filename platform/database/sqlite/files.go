package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

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
