package host_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"oms/modules/sts/ststest"
	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/module"
)

// telling is a store that tells of every work that it has done.
type telling struct {
	database.Store
	done chan string
}

func (s telling) Read(ctx context.Context, work func(database.Tx) error) error {
	err := s.Store.Read(ctx, work)
	s.done <- "read"
	return err
}

func (s telling) Write(ctx context.Context, work func(database.Tx) error) error {
	err := s.Store.Write(ctx, work)
	s.done <- "write"
	return err
}

// What a key has signed does not count any more, but somebody outside may still trust it: the root of an earlier version, which
// can sign for any name, does not stay in the database for longer than it is needed.
func TestKeysThatCountNoMoreAreDeleted(t *testing.T) {
	directory := t.TempDir()
	if err := ststest.Earlier(t.Context(), directory, time.Now()); err != nil {
		t.Fatal(err)
	}
	store := telling{databasetest.OpenIn(t, "sts", directory), make(chan string, 100)} // more than a start does
	i := &installation{T: t, store: store, now: time.Now()}
	hosted, _, err := i.start(ststest.PublicHosts()...)
	if err != nil {
		t.Fatal(err)
	}
	i.store = store.Store // the test looks for itself
	earlier := i.roots("public")[0].ID
	// once has the background work look once, and gives what it did.
	once := func() (did []string) {
		n := slices.IndexFunc(hosted.Background, func(b module.Background) bool { return b.Name == "retired keys" })
		for len(store.done) > 0 {
			<-store.done
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { hosted.Background[n].Run(ctx); close(ended) }()
		did = append(did, <-store.done)
		if !i.counts(earlier) {
			did = append(did, <-store.done)
		}
		stop()
		<-ended
		return did
	}
	for _, c := range []struct {
		when string
		wait time.Duration
		did  []string
		rows int
	}{
		{"while it signs", 0, []string{"read"}, 5},
		{"while it is trusted", ststest.Announcement, []string{"read"}, 5},
		{"when it counts no more", ststest.Overlap, []string{"read", "write"}, 3},
	} {
		i.now = i.now.Add(c.wait)
		if did := once(); !slices.Equal(did, c.did) {
			t.Errorf("%s: it did %q, want %q", c.when, did, c.did)
		}
		if rows := i.rows(); len(rows) != c.rows || i.counts(earlier) != (c.rows == 5) {
			t.Errorf("%s: there are %d keys, want %d", c.when, len(rows), c.rows)
		}
	}
}

// counts reports whether a root is trusted.
func (i *installation) counts(id string) bool {
	i.Helper()
	for _, root := range i.roots("public") {
		if root.ID == id {
			return true
		}
	}
	return false
}
