package systemtest

import "time"

// Eventually asks again and again, until something holds or the time is over, and reports whether it holds.
func Eventually(within time.Duration, holds func() bool) bool {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	over := time.After(within)
	for !holds() {
		select {
		case <-again.C:
		case <-over:
			return holds()
		}
	}
	return true
}
