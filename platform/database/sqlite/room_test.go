package sqlite_test

import (
	"math"
	"testing"

	"oms/platform/database"
	"oms/platform/database/databasetest"
	"oms/platform/fault"
)

// Below what is to stay free, nothing is added, and what there is can be read and removed.
func TestWithoutRoomNothingIsAddedAndWhatFreesGoesOn(t *testing.T) {
	o := options(t)
	if err := server(t, o).Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		least int64
		want  fault.Code
	}{"nothing is to stay free": {0, ""}, "a byte": {1, ""}, "more than any disk has": {math.MaxInt64, fault.Unavailable}} {
		t.Run(name, func(t *testing.T) {
			o.MinFree = c.least
			d := server(t, o)
			err := d.Room()
			if failure := fault.From(err); fault.CodeOf(err) != c.want || failure != nil && failure.RetryAfter <= 0 {
				t.Errorf("adding gives %v, want code %q", err, c.want)
			}
			if err := d.Write(t.Context(), databasetest.Insert(1, "a")); err != nil {
				t.Error("finishing:", err)
			}
			if err := d.Write(t.Context(), func(tx database.Tx) error {
				_, err := tx.Exec(`DELETE FROM item`)
				return err
			}); err != nil {
				t.Error("removing:", err)
			}
			if got := databasetest.Count(t, d); got != 0 {
				t.Errorf("%d items are left", got)
			}
			if free, known := d.Free(); !known || free <= 0 {
				t.Errorf("%d bytes are free, known: %v", free, known)
			}
		})
	}
}
