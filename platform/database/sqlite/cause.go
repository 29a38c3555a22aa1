package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
	sqlite3 "modernc.org/sqlite/lib"
)

// cause is a failure of the storage as an operator reads it: what is wrong with which file, and what to do. SQLite's own words
// for a full disk are, at worst, "disk I/O error (4874)". What is no failure of the storage is given as it is, on one line.
func cause(path string, err error) error {
	directory := filepath.Dir(path)
	switch {
	case isDamaged(err):
		return fmt.Errorf("%s is not a sound SQLite database: restore it from a backup, or move it away to begin anew (%w)", path, oneLine(err))
	case isFull(err), errors.Is(err, syscall.ENOSPC), isKind(err, sqlite3.SQLITE_IOERR) && isFullDisk(directory):
		return fmt.Errorf("the disk of %s is full: make room on it (%w)", directory, oneLine(err))
	case isKind(err, sqlite3.SQLITE_IOERR) && isLimited():
		return fmt.Errorf("the files of this process cannot become larger (ulimit -f), or the disk of %s fails: make room, and raise the limit (%w)", directory, oneLine(err))
	case errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the quota of this user on the disk of %s is used up: make room, or raise it (%w)", directory, oneLine(err))
	case isKind(err, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
		return fmt.Errorf("%s and its directory cannot be written by this user: run this as the owner of the data, on a disk that is not mounted read-only (%w)", path, oneLine(err))
	case isBusy(err):
		return fmt.Errorf("another process has locked %s for too long: wait until it has finished, or stop it (%w)", path, oneLine(err))
	case isKind(err, sqlite3.SQLITE_NOMEM):
		return fmt.Errorf("there is no memory for %s: give this process more (%w)", path, oneLine(err))
	case isKind(err, sqlite3.SQLITE_IOERR):
		return fmt.Errorf("the disk of %s fails to read or write it: look into the system's log, and have a backup ready (%w)", path, oneLine(err))
	}
	return oneLine(err)
}

// isLimited reports whether this process may make files of a certain size only.
func isLimited() bool {
	var limit unix.Rlimit
	return unix.Getrlimit(unix.RLIMIT_FSIZE, &limit) == nil && limit.Cur != unix.RLIM_INFINITY
}

// isFullDisk reports whether not even a megabyte is free for this user.
func isFullDisk(directory string) bool {
	var stat unix.Statfs_t
	return unix.Statfs(directory, &stat) == nil && (int64(stat.Bavail)*stat.Bsize < 1<<20 || stat.Files > 0 && stat.Ffree == 0) //nolint:gosec // no disk has 2^63 bytes
}
