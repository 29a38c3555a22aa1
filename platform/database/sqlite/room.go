package sqlite

import (
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"oms/platform/fault"
)

// roomInterval is how long what is known of the disk's free room counts: in a second the fastest writer takes a small part
// of what is to be left.
const roomInterval = time.Second

// room watches how much is free on the disk of a database.
type room struct {
	directory string
	least     int64 // bytes; 0 watches nothing

	mu   sync.Mutex
	at   time.Time
	free int64 // bytes that this user may still use
}

// Room implements [database.Store].
func (d *DB) Room() error {
	if free, known := d.Free(); known && d.room.least > 0 && free < d.room.least {
		return fault.Retryable(fullAfter, "Nothing can be added at the moment, since the disk is nearly full; what is there can be read and removed. Try again when there is room.")
	}
	return nil
}

// Free is how many bytes are free on the database's disk, as of a second ago at most; unknown where the system does not tell.
func (d *DB) Free() (free int64, known bool) {
	r := &d.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= roomInterval {
		var stat unix.Statfs_t
		if err := unix.Statfs(r.directory, &stat); err != nil {
			return 0, false // then the write itself will tell
		}
		r.free, r.at = int64(stat.Bavail)*stat.Bsize, time.Now() //nolint:gosec // no disk has 2^63 bytes
	}
	return r.free, true
}

func newRoom(o Options) room { return room{directory: filepath.Dir(o.Path), least: o.MinFree} }
