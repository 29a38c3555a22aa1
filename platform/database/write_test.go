package database_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"oms/platform/database"
)

// Concurrent writers share commits.
func TestWritersShareCommits(t *testing.T) {
	d := server(t, options(t))
	const writers, each = 64, 20
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := d.Write(t.Context(), insert(w*each+i, "x")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s := d.Stats()
	t.Logf("%d works in %d commits, %.1f a commit", s.Works, s.Commits, float64(s.Works)/float64(s.Commits))
	if s.Works != writers*each || count(t, d) != writers*each {
		t.Fatalf("of %d works %d were counted and %d stored", writers*each, s.Works, count(t, d))
	}
	if s.Commits*4 > s.Works {
		t.Errorf("fewer than 4 works a commit with %d writers", writers)
	}
}

func TestUniqueViolation(t *testing.T) {
	d := server(t, options(t))
	if err := d.Write(t.Context(), insert(1, "a")); err != nil {
		t.Fatal(err)
	}
	err := d.Write(t.Context(), insert(1, "b"))
	if !database.IsUniqueViolation(err) || !database.IsUniqueViolation(fmt.Errorf("wrapped: %w", err)) {
		t.Errorf("got %v", err)
	}
	if database.IsUniqueViolation(errors.New("another")) || database.IsUniqueViolation(nil) {
		t.Error("every error is a unique violation")
	}
}
