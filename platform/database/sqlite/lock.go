package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fileLock is the right to serve a database, held by one process at a time. The kernel takes it back when the process ends,
// however it ends. The file stays: whoever removed it could remove another's lock.
type fileLock struct{ file *os.File }

// lock takes the lock of the database at path.
func lock(path string) (*fileLock, error) {
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
	return &fileLock{file: file}, nil
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

// release gives the lock back.
func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
