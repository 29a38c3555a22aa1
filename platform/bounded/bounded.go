// Package bounded keeps the memory of maps within bounds that anybody could otherwise fill.
package bounded

import "maps"

// MakeRoom leaves a map as it is while it has fewer than limit entries. Otherwise it drops those that are of no use any
// more, and where these are few, any others: a tenth of all at once, so that looking through all of them is rare.
func MakeRoom[K comparable, V any](entries map[K]V, limit int, useless func(V) bool) {
	if len(entries) < limit {
		return
	}
	maps.DeleteFunc(entries, func(_ K, entry V) bool { return useless(entry) })
	for key := range entries {
		if len(entries) <= limit*9/10 {
			return
		}
		delete(entries, key)
	}
}
