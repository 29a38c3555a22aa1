package database

import (
	"errors"
	"time"

	"oms/platform/fault"
)

// ErrRerun is what work returns, wrapped or not, to be undone and run again from the start, since a condition that it relied
// on no longer holds. After [RerunLimit] runs the caller gets a *fault.Error with code unavailable.
var ErrRerun = errors.New("database: run this work again")

// ErrUniqueViolation is what an engine's error of a statement is, besides the driver's own, where a key was already there.
var ErrUniqueViolation = errors.New("database: the key is already there")

// IsUniqueViolation reports whether err is the refusal of a row whose key is already there.
func IsUniqueViolation(err error) bool { return errors.Is(err, ErrUniqueViolation) }

// RerunLimit bounds the runs of a work that returns [ErrRerun]: a condition that fails this often is not a matter of luck.
const RerunLimit = 10

// RetryAfter is when to try again after most failures of a disk, and after too many reruns: what passes at all passes at once.
const RetryAfter = time.Second

// Exhausted is what the caller of a work learns that asked for one rerun too many; err is what the work returned.
func Exhausted(err error) error {
	return fault.Retryable(RetryAfter, "The same data keeps changing; try again.").Because(err)
}
