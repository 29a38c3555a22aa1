package database

import (
	"fmt"
	"time"
)

// Destinations is what an engine gives to its driver for the variables to scan into: a *time.Time gets the time in UTC
// of the stored milliseconds, and the zero time of NULL; everything else is left to the driver. It changes into.
func Destinations(into []any) []any {
	for i := range into {
		if t, ok := into[i].(*time.Time); ok {
			into[i] = milliseconds{t}
		}
	}
	return into
}

// milliseconds scans an integer column into a time.
type milliseconds struct{ into *time.Time }

// Scan implements [sql.Scanner].
func (m milliseconds) Scan(stored any) error {
	switch stored := stored.(type) {
	case int64:
		*m.into = time.UnixMilli(stored).UTC()
	case nil:
		*m.into = time.Time{}
	default:
		return fmt.Errorf("database: a time is stored as an integer, not as %T", stored)
	}
	return nil
}
